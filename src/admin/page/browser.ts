/**
 * The part of a browser's interfaces that the page uses. The compiler's own library of them would
 * make every global name of a browser valid in the whole program.
 *
 * Text enters the document as text alone: there is nothing here that reads markup, and the policy
 * of the page forbids it as well.
 */

export interface PageElement {
  textContent: string | null
  hidden: boolean
  className: string
  value: string
  checked: boolean
  disabled: boolean
  title: string
  readonly children: ArrayLike<PageElement>
  readonly clientWidth: number
  readonly offsetX?: number
  append(...parts: (PageElement | string)[]): void
  replaceChildren(...parts: PageElement[]): void
  remove(): void
  focus(): void
  setAttribute(name: string, value: string): void
  removeAttribute(name: string): void
  getBoundingClientRect(): { readonly left: number; readonly width: number }
  addEventListener(name: string, listener: (event: PageEvent) => void): void
  querySelector(selector: string): PageElement | null
  querySelectorAll(selector: string): ArrayLike<PageElement>
}

export interface PageEvent {
  readonly clientX: number
  readonly key: string
  preventDefault(): void
}

interface PageDocument extends PageElement {
  readonly visibilityState: string
  getElementById(id: string): PageElement | null
  createElement(name: string): PageElement
  createElementNS(namespace: string, name: string): PageElement
}

const SVG = 'http://www.w3.org/2000/svg'

export const page = (globalThis as unknown as { readonly document: PageDocument }).document

/** Tells when the window has another size. */
export function onResize(listener: () => void): void {
  ;(globalThis as unknown as PageElement).addEventListener('resize', listener)
}

/** @throws When the document has no element of this id, which it always has. */
export function byId(id: string): PageElement {
  const found = page.getElementById(id)
  if (found === null) throw new Error(`the page has no ${id}`)
  return found
}

export function allOf(selector: string): PageElement[] {
  return Array.from(page.querySelectorAll(selector))
}

export function element(name: string, className: string, text = ''): PageElement {
  const made = page.createElement(name)
  if (className !== '') made.className = className
  if (text !== '') made.textContent = text
  return made
}

export function shape(name: string, attributes: Readonly<Record<string, string>>): PageElement {
  const made = page.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}

/** Leaves the document alone where nothing changes, so that a selection of text stays. */
export function setText(target: PageElement, text: string): void {
  if (target.textContent !== text) target.textContent = text
}

export function setClass(target: PageElement, className: string): void {
  if (target.className !== className) target.className = className
}
