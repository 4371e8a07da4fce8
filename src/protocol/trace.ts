/**
 * What `explain` is told while a request is decided about. Real requests have no trace: what
 * could tell one something looks first whether there is one, which is all that it costs them.
 *
 * Steps are texts for operators. What a credential says is in them only where the operator has
 * asked for values; a credential itself, a cookie and a secret never are.
 */

/** `ok`: it fits. `no`: this is, or would be, a reason to refuse. `note`: worth knowing. */
export type TraceMark = 'ok' | 'no' | 'note'

/** The steps of a decision, in the order in which they come. */
export const TRACE_STEPS = [
  ...(['request', 'route', 'address', 'limit', 'tenant', 'credential', 'origin', 'cache'] as const),
  ...(['token', 'header', 'keys', 'key', 'signature', 'introspection', 'claim'] as const),
  ...(['session', 'api key', 'revocation', 'policy'] as const),
] as const

export type TraceStepName = (typeof TRACE_STEPS)[number]

export interface TraceStep {
  readonly step: TraceStepName
  readonly mark: TraceMark
  readonly text: string
}

export interface Trace {
  tell(step: TraceStepName, mark: TraceMark, text: string): void
  /** What a credential says, as far as it may be shown: its value, or its type and length. */
  shown(value: unknown): string
}

/** Longer values are cut: a step is a line. */
const SHOWN_LENGTH_MAX = 256
/** Of one request. More than any has; a defect must not fill the memory. */
const STEPS_MAX = 500

/** Keeps the steps in the order in which they are told. */
export class RecordedTrace implements Trace {
  readonly steps: TraceStep[] = []
  readonly #showsValues: boolean

  constructor(showsValues: boolean) {
    this.#showsValues = showsValues
  }

  tell(step: TraceStepName, mark: TraceMark, text: string): void {
    if (this.steps.length < STEPS_MAX) this.steps.push({ step, mark, text })
  }

  shown(value: unknown): string {
    if (value === undefined) return 'absent'
    if (value === null) return 'null'
    return this.#showsValues ? quoted(value) : `present, ${kindOf(value)}`
  }
}

/** A value in JSON, cut. For what is no secret: settings, and names in a protected header. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? 'absent'
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text
}

/** Settings in a row: `"a", "b"`; `none` when there are none. */
export function listed(values: readonly string[]): string {
  return values.length === 0 ? 'none' : values.map(quoted).join(', ')
}

function kindOf(value: unknown): string {
  if (typeof value === 'string') return `a string of ${counted(value.length, 'character')}`
  if (Array.isArray(value)) return `a list of ${counted(value.length, 'item')}`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** `1 item`, `2 items`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
