/**
 * Texts of operators for refusals, with placeholders: `{code}`, `{status}`, `{title}`, `{message}`,
 * `{requestId}`. Split when the configuration is loaded, filled for each answer.
 */
import { parseJsonText } from './strict-json.ts'

const PLACEHOLDERS = ['code', 'status', 'title', 'message', 'requestId'] as const
export type Placeholder = (typeof PLACEHOLDERS)[number]

const PLACEHOLDER = new RegExp(`\\{(${PLACEHOLDERS.join('|')})\\}`)
/** A word in braces, which may be a placeholder that was misspelled. */
const WORDS = /\{\s*[A-Za-z_.]+\s*\}/g
/** As a whole value, which is a number then: between what stands around a value. */
const WHOLE_STATUS = /(?<=[:,[])"\{status\}"(?=[,\]}])/g
const BEYOND_ASCII = /[\u0080-\uffff]/g

/** Texts and placeholders in turn; begins and ends with a text. */
export interface FilledText {
  readonly texts: readonly string[]
  readonly names: readonly Placeholder[]
}

export function splitTemplate(template: string): FilledText {
  // With a group in the expression, every second piece is what the group has matched.
  const pieces = template.split(PLACEHOLDER)
  return {
    texts: pieces.filter((_, place) => place % 2 === 0),
    names: pieces.filter((_, place) => place % 2 === 1) as Placeholder[],
  }
}

/** @param textOf Escaped for where the placeholders stand. */
export function fillText(
  { texts, names }: FilledText,
  textOf: (name: Placeholder) => string,
): string {
  let filled = texts[0] ?? ''
  names.forEach((name, place) => {
    filled += textOf(name) + (texts[place + 1] ?? '')
  })
  return filled
}

/**
 * A JSON object whose texts may hold placeholders, as one line of ASCII. A text that is nothing but
 * `{status}` becomes a number.
 */
export function parseJsonTemplate(
  text: string,
):
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly problem: string } {
  const value = parseJsonText(text)
  if (value === null) return { ok: false, problem: 'must be the text of a JSON object' }
  const line = JSON.stringify(value)
  for (const [written] of line.matchAll(WORDS)) {
    if (PLACEHOLDERS.some((name) => `{${name}}` === written)) continue
    return { ok: false, problem: `must have no placeholders but ${listed()}` }
  }
  return { ok: true, value: line.replace(WHOLE_STATUS, '{status}').replace(BEYOND_ASCII, escaped) }
}

function listed(): string {
  return PLACEHOLDERS.map((name) => `{${name}}`).join(', ')
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
