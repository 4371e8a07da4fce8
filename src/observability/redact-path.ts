/**
 * Takes out of a path what an access line must not tell: the segments that the configuration names,
 * and whatever looks like a token.
 *
 *     /users/*            /users/17/orders/4   is told as   /users/[redacted]/orders/4
 *     /files/**           /files/a/b           is told as   /files/[redacted]
 */
import { segmentReading } from '../http/lenient-path.ts'
import { redactText } from './redact.ts'

const REDACTED = '[redacted]'
const ANY_SEGMENT = '*'
const ALL_THAT_FOLLOWS = '**'

/** A path of literal segments, `*` for one segment, and `**` at its end for all that follow. */
export const PATH_PATTERN = /^(?:\/(?:\*|[A-Za-z0-9._~%:@!$&'()+,;=-]+))*(?:\/\*\*)?$/

interface Pattern {
  readonly segments: readonly string[]
  /** Of each segment. */
  readonly readings: readonly (string | null)[]
}

export class PathRedaction {
  readonly #patterns: readonly Pattern[]

  /** @param patterns Of the form {@link PATH_PATTERN}. A path may match several. */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns.map((pattern) => {
      const segments = pattern.split('/').slice(1)
      return { segments, readings: segments.map(readingOf) }
    })
  }

  /** For a line that is written; not for each request. */
  apply(path: string): string {
    const segments = path.split('/').slice(1)
    const readings = this.#patterns.length === 0 ? [] : segments.map(readingOf)
    let told: readonly string[] = segments
    for (const pattern of this.#patterns) {
      if (matches(pattern, readings)) told = redacted(pattern.segments, told)
    }
    return redactText(`/${told.join('/')}`)
  }
}

function readingOf(segment: string): string | null {
  return segmentReading(segment, true)
}

/**
 * Whether the path begins as the pattern says. Literal segments are compared in any case, and as
 * lenient services may read them; one that cannot be read may be any.
 */
function matches({ segments, readings }: Pattern, found: readonly (string | null)[]): boolean {
  return segments.every((wanted, place) => {
    const reading = found[place]
    if (reading === undefined) return false
    const isAny = wanted === ANY_SEGMENT || wanted === ALL_THAT_FOLLOWS
    return isAny || reading === null || readings[place] === reading
  })
}

function redacted(pattern: readonly string[], segments: readonly string[]): readonly string[] {
  if (pattern.at(-1) === ALL_THAT_FOLLOWS) {
    return [...redacted(pattern.slice(0, -1), segments).slice(0, pattern.length - 1), REDACTED]
  }
  return segments.map((segment, place) => (pattern[place] === ANY_SEGMENT ? REDACTED : segment))
}
