/**
 * What happens to the gateway of a soak, when, and which answers that explains: every other answer
 * is a fault of the gateway.
 */

/** What a request brings. `newOpaque` is a token that was never answered well so far. */
export type RequestKind = 'jwt' | 'opaque' | 'newOpaque' | 'session'

/**
 * `warm-up` is before the soak: its answers are not counted among the others.
 *
 * `provider back` and `Redis back` are the times in which the gateway has to notice: whatever
 * still fails when they are over is no longer explained.
 */
export type Phase =
  | 'warm-up'
  | 'calm'
  | 'keys rotated'
  | 'provider away'
  | 'provider back'
  | 'Redis away'
  | 'Redis back'
  | 'reload'

export const PHASES: readonly Phase[] = [
  'calm',
  'keys rotated',
  'provider away',
  'provider back',
  'Redis away',
  'Redis back',
  'reload',
]

interface Stage {
  readonly phase: Phase
  /** In a cycle of {@link CYCLE_SECONDS}. A shorter one has shorter stages. */
  readonly seconds: number
  /** That no cycle may fall below. */
  readonly secondsMin: number
}

/** What one cycle consists of. */
const CYCLE: readonly Stage[] = [
  { phase: 'calm', seconds: 60, secondsMin: 1 },
  { phase: 'keys rotated', seconds: 50, secondsMin: 2 },
  { phase: 'provider away', seconds: 20, secondsMin: 3 },
  // It is asked about a random token every 5 s at last, and two answers are needed.
  { phase: 'provider back', seconds: 12, secondsMin: 8 },
  { phase: 'calm', seconds: 43, secondsMin: 1 },
  { phase: 'Redis away', seconds: 10, secondsMin: 2 },
  // Connections come back after a second at most.
  { phase: 'Redis back', seconds: 5, secondsMin: 3 },
  { phase: 'calm', seconds: 35, secondsMin: 1 },
  { phase: 'reload', seconds: 30, secondsMin: 2 },
  { phase: 'calm', seconds: 35, secondsMin: 1 },
]
const CYCLE_SECONDS = 300

export interface PlannedStage {
  readonly phase: Phase
  readonly seconds: number
}

/**
 * @returns As many cycles as fit, of equal length; one at least, which may then last longer than
 *   was asked for, because outages have to be long enough to be noticed.
 */
export function timetable(minutes: number): readonly PlannedStage[] {
  const wholeSeconds = minutes * 60
  const cycles = Math.max(1, Math.floor(wholeSeconds / CYCLE_SECONDS))
  const scale = wholeSeconds / cycles / CYCLE_SECONDS
  const cycle = CYCLE.map(({ phase, seconds, secondsMin }) => ({
    phase,
    seconds: Math.max(secondsMin, seconds * scale),
  }))
  return Array.from({ length: cycles }, () => cycle).flat()
}

/** Some answers of one kind in one phase. */
export interface AnswerCount {
  readonly phase: Phase
  readonly kind: RequestKind
  /** `lost`: the connection was closed or refused before the answer had come. */
  readonly status: string
  readonly count: number
}

/** The status of a good answer. */
export const GOOD = '200'

/**
 * The only refusals that the faults explain (docs/credentials.md). Keys that are there verify
 * JWTs while the provider is away; the last answer about a token counts for 300 s; nothing but
 * sessions notices that Redis is away. No fault explains a connection that is lost.
 */
const EXPLAINED: Readonly<Partial<Record<Phase, RequestKind>>> = {
  'provider away': 'newOpaque',
  'provider back': 'newOpaque',
  'Redis away': 'session',
  'Redis back': 'session',
}
const EXPLAINED_STATUS = '503'

/** The answers that are neither good nor explained by what happened to the gateway. */
export function unexplained(counts: readonly AnswerCount[]): readonly AnswerCount[] {
  return counts.filter(({ phase, kind, status, count }) => {
    const isExplained = status === EXPLAINED_STATUS && EXPLAINED[phase] === kind
    return count > 0 && status !== GOOD && !isExplained
  })
}

/** For people: `3 × 502 to jwt (calm)`. */
export function describeCounts(counts: readonly AnswerCount[]): string {
  return counts
    .map(({ phase, kind, status, count }) => `${count} × ${status} to ${kind} (${phase})`)
    .join(', ')
}
