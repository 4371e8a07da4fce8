/** Charts over time, drawn as shapes whose colours come from the style sheet. */
import { byId, element, type PageElement, setText, shape } from './browser.ts'
import { clockTime } from './figures.ts'

export interface Series {
  /** Class of its line or area, and of its mark in the legend. */
  readonly tone: string
  readonly label: string
  /** One value for each time; `null`: there is none, and the line has a gap. */
  readonly values: readonly (number | null)[]
}

export interface ChartContent {
  /** Ascending, in milliseconds. */
  readonly times: readonly number[]
  readonly series: readonly Series[]
}

export interface ChartOptions {
  /** `stacked`: areas on top of each other from 0; `log`: lines on a scale of powers of ten. */
  readonly kind: 'stacked' | 'lines' | 'log'
  readonly format: (value: number) => string
  /** End of the scale at least; the values may move it. */
  readonly atLeast: number
}

const HEIGHT = 150
const TOP = 8
const BOTTOM = 18
const LEFT = 52
const RIGHT = 4
/** Samples that lie further apart are not joined. */
const GAP_MS = 5_000
/** Between two marks of the time. */
const STEPS_MS = [60_000, 120_000, 300_000] as const
const MARKS_MAX = 4

interface Scale {
  readonly ticks: readonly number[]
  readonly y: (value: number) => number
}

export class Chart {
  readonly #svg: PageElement
  readonly #legend: PageElement
  readonly #options: ChartOptions
  #content: ChartContent = { times: [], series: [] }
  #spanMs = 0
  /** `null`: the pointer is elsewhere. */
  #pointedAt: number | null = null

  /** @param id Of a figure with a drawing and a legend in it. */
  constructor(id: string, options: ChartOptions) {
    const figure = byId(id)
    this.#svg = partOf(figure, 'svg')
    this.#legend = partOf(figure, '.legend')
    this.#options = options
    this.#svg.addEventListener('pointermove', ({ clientX }) => {
      const { left } = this.#svg.getBoundingClientRect()
      this.#pointAt(clientX - left)
    })
    this.#svg.addEventListener('pointerleave', () => this.#pointAt(null))
  }

  draw(content: ChartContent, spanMs: number): void {
    this.#content = content
    this.#spanMs = spanMs
    this.redraw()
  }

  redraw(): void {
    const width = this.#svg.clientWidth
    if (width === 0) return
    const { times, series } = this.#content
    const { kind } = this.#options
    const drawn = kind === 'stacked' ? stacked(series) : series
    const scale = kind === 'log' ? logScale(drawn) : linearScale(drawn, this.#options.atLeast)
    const x = (atMs: number) => this.#x(atMs, width)
    const parts = [...this.#grid(scale, width), ...this.#timeMarks(width)]
    // The last one of a stack is the highest, and lies behind the others.
    for (const [place, { tone, values }] of [...drawn.entries()].reverse()) {
      const below = kind === 'stacked' ? (drawn[place - 1]?.values ?? null) : undefined
      const path =
        below === undefined
          ? lineOf(times, values, x, scale)
          : areaOf(times, values, below, x, scale)
      parts.push(
        shape('path', { d: path, class: `${below === undefined ? 'line' : 'area'} ${tone}` }),
      )
    }
    const place = this.#place(width)
    if (this.#pointedAt !== null && place !== null) {
      const at = String(round(x(times[place] ?? 0)))
      parts.push(
        shape('line', {
          x1: at,
          x2: at,
          y1: String(TOP),
          y2: String(HEIGHT - BOTTOM),
          class: 'pointer',
        }),
      )
    }
    this.#svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`)
    this.#svg.replaceChildren(...parts)
    this.#tell(place)
  }

  #x(atMs: number, width: number): number {
    const endMs = this.#content.times.at(-1) ?? 0
    return LEFT + (1 - (endMs - atMs) / this.#spanMs) * (width - LEFT - RIGHT)
  }

  #pointAt(x: number | null): void {
    this.#pointedAt = x
    this.redraw()
  }

  /** Of the time that is pointed at, or else the last one. */
  #place(width: number): number | null {
    const { times } = this.#content
    if (times.length === 0) return null
    const pointed = this.#pointedAt
    if (pointed === null) return times.length - 1
    let nearest = 0
    times.forEach((atMs, place) => {
      const distance = Math.abs(this.#x(atMs, width) - pointed)
      if (distance < Math.abs(this.#x(times[nearest] ?? 0, width) - pointed)) nearest = place
    })
    return nearest
  }

  #tell(place: number | null): void {
    const { series, times } = this.#content
    const entries = this.#legend.children
    if (entries.length !== series.length + 1) this.#layOutLegend()
    series.forEach(({ values }, index) => {
      const value = place === null ? null : (values[place] ?? null)
      const shown = this.#legend.children[index]?.querySelector('b')
      if (shown) setText(shown, value === null ? '–' : this.#options.format(value))
    })
    const at = this.#legend.children[series.length]
    if (at === undefined || place === null) return
    setText(at, this.#pointedAt === null ? '' : clockTime(times[place] ?? 0))
  }

  #layOutLegend(): void {
    const entries = this.#content.series.map(({ tone, label }) => {
      const entry = element('span', 'entry')
      entry.append(element('i', `mark ${tone}`), `${label} `, element('b', ''))
      return entry
    })
    this.#legend.replaceChildren(...entries, element('span', 'at'))
  }

  #grid({ ticks, y }: Scale, width: number): PageElement[] {
    return ticks.flatMap((tick) => {
      const at = String(round(y(tick)))
      const label = shape('text', { x: String(LEFT - 6), y: at, class: 'label side' })
      // Ticks are round numbers: without the digits that align values.
      label.textContent = this.#options.format(tick).replace(/\.0+(?= |$)/, '')
      return [
        shape('line', {
          x1: String(LEFT),
          x2: String(width - RIGHT),
          y1: at,
          y2: at,
          class: 'grid',
        }),
        label,
      ]
    })
  }

  #timeMarks(width: number): PageElement[] {
    const endMs = this.#content.times.at(-1)
    if (endMs === undefined) return []
    const stepMs = STEPS_MS.find((step) => this.#spanMs / step <= MARKS_MAX) ?? this.#spanMs
    const marks: PageElement[] = []
    for (
      let atMs = Math.floor(endMs / stepMs) * stepMs;
      endMs - atMs < this.#spanMs;
      atMs -= stepMs
    ) {
      const x = this.#x(atMs, width)
      // Not where it would stand beyond the edge.
      if (x < LEFT + 20 || x > width - 26) continue
      const mark = shape('text', {
        x: String(round(x)),
        y: String(HEIGHT - 4),
        class: 'label foot',
      })
      mark.textContent = clockTime(atMs).slice(0, 5)
      marks.push(mark)
    }
    return marks
  }
}

function partOf(figure: PageElement, selector: string): PageElement {
  const part = figure.querySelector(selector)
  if (part === null) throw new Error(`a chart has no ${selector}`)
  return part
}

function stacked(series: readonly Series[]): Series[] {
  let below: readonly (number | null)[] = []
  return series.map((one) => {
    const values = one.values.map((value, place) => (value ?? 0) + (below[place] ?? 0))
    below = values
    return { ...one, values }
  })
}

function linearScale(series: readonly Series[], atLeast: number): Scale {
  const largest = Math.max(atLeast, ...series.flatMap(({ values }) => values.map((it) => it ?? 0)))
  const step = niceStep(largest / 3)
  const top = Math.max(step, Math.ceil(largest / step - 1e-9) * step)
  const ticks: number[] = []
  for (let tick = 0; tick <= top + step / 2; tick += step) ticks.push(tick)
  return { ticks, y: (value) => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM) }
}

/** Whole powers of ten that hold all values. */
function logScale(series: readonly Series[]): Scale {
  const values = series.flatMap((one) => one.values).filter((value) => value !== null && value > 0)
  const logs = values.map((value) => Math.log10(value ?? 1))
  const low = logs.length === 0 ? 2 : Math.floor(Math.min(...logs))
  const high = logs.length === 0 ? 4 : Math.max(low + 1, Math.ceil(Math.max(...logs)))
  const ticks = Array.from({ length: high - low + 1 }, (_, power) => 10 ** (low + power))
  const part = (value: number) => (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)
  return { ticks, y: (value) => TOP + (1 - part(value)) * (HEIGHT - TOP - BOTTOM) }
}

/** 1, 2 or 5 times a power of ten, not below `raw`. */
function niceStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw))
  const factor = [1, 2, 5, 10].find((one) => one * power >= raw * (1 - 1e-9)) ?? 10
  return factor * power
}

type Position = (atMs: number) => number

function lineOf(
  times: readonly number[],
  values: readonly (number | null)[],
  x: Position,
  { y }: Scale,
): string {
  let path = ''
  let lastMs: number | null = null
  values.forEach((value, place) => {
    const atMs = times[place] ?? 0
    if (value === null) {
      lastMs = null
      return
    }
    const isJoined = lastMs !== null && atMs - lastMs < GAP_MS
    path += `${isJoined ? 'L' : 'M'}${round(x(atMs))} ${round(y(value))}`
    // A single point would be invisible.
    if (!isJoined) path += 'h0'
    lastMs = atMs
  })
  return path
}

function areaOf(
  times: readonly number[],
  values: readonly (number | null)[],
  below: readonly (number | null)[] | null,
  x: Position,
  { y }: Scale,
): string {
  if (times.length === 0) return ''
  const points = (of: (place: number) => number) =>
    times.map((atMs, place) => `${round(x(atMs))} ${round(y(of(place)))}`)
  const upper = points((place) => values[place] ?? 0)
  const lower = points((place) => below?.[place] ?? 0).reverse()
  return `M${[...upper, ...lower].join('L')}Z`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
