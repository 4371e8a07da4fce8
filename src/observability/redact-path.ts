/**
 * Takes out of a path what an access line must not tell: the segments that the configuration names,
 * and whatever looks like a token.
 *
 *     /users/*            /users/17/orders/4   is told as   /users/[redacted]/orders/4
 *     /files/**           /files/a/b           is told as   /files/[redacted]
 */
import { redactText } from './redact.ts'

const REDACTED = '[redacted]'
const ANY_SEGMENT = '*'
const ALL_THAT_FOLLOWS = '**'

/** A path of literal segments, `*` for one segment, and `**` at its end for all that follow. */
export const PATH_PATTERN = /^(?:\/(?:\*|[A-Za-z0-9._~%:@!$&'()+,;=-]+))*(?:\/\*\*)?$/

export class PathRedaction {
  /** Segments of each pattern. */
  readonly #patterns: readonly (readonly string[])[]

  /** @param patterns Of the form {@link PATH_PATTERN}. A path may match several. */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns.map((pattern) => pattern.split('/').slice(1))
  }

  /** For a line that is written; not for each request. */
  apply(path: string): string {
    const segments = path.split('/').slice(1)
    let told: readonly string[] = segments
    for (const pattern of this.#patterns) {
      if (matches(pattern, segments)) told = redacted(pattern, told)
    }
    return redactText(`/${told.join('/')}`)
  }
}

/**
 * Whether the path begins as the pattern says. Literal segments are compared in any case, and as
 * services may read them: decoded, without parameters (`;x=1`), without dots and blanks at the end.
 */
function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  return pattern.every((wanted, place) => {
    const segment = segments[place]
    if (segment === undefined) return false
    const isAny = wanted === ANY_SEGMENT || wanted === ALL_THAT_FOLLOWS
    return isAny || readAs(wanted) === readAs(segment)
  })
}

function readAs(segment: string): string {
  const [bare = ''] = decoded(segment).split(';', 1)
  return bare.replace(/[.\s]+$/, '').toLowerCase()
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

function redacted(pattern: readonly string[], segments: readonly string[]): readonly string[] {
  if (pattern.at(-1) === ALL_THAT_FOLLOWS) {
    return [...redacted(pattern.slice(0, -1), segments).slice(0, pattern.length - 1), REDACTED]
  }
  return segments.map((segment, place) => (pattern[place] === ANY_SEGMENT ? REDACTED : segment))
}
