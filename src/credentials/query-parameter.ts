/**
 * A token in the query string (RFC 6750 §2.3), for routes that insist on it. Names are compared as
 * they are written: a percent-encoded spelling of the name is another parameter.
 */

/** Start of the first `name=` pair at or after `from`, or -1. */
export function findParameter(query: string, name: string, from: number): number {
  let start = from
  while (start < query.length) {
    const end = parameterEnd(query, start)
    if (query.startsWith(name, start)) {
      const next = start + name.length
      if (next === end || query.charCodeAt(next) === 0x3d) return start
    }
    start = end + 1
  }
  return -1
}

/** Index of the `&` that ends the pair, or the length of the query. */
export function parameterEnd(query: string, start: number): number {
  const ampersand = query.indexOf('&', start)
  return ampersand === -1 ? query.length : ampersand
}

/** The raw value of the pair at `start`; empty when it has none. */
export function parameterValue(query: string, name: string, start: number): string {
  return query.slice(start + name.length + 1, parameterEnd(query, start))
}

/** The query without any pair of this name; everything else stays as it is written. */
export function withoutParameter(query: string, name: string): string {
  let kept = query
  let start = findParameter(kept, name, 0)
  while (start !== -1) {
    const end = parameterEnd(kept, start)
    kept =
      end < kept.length
        ? kept.slice(0, start) + kept.slice(end + 1)
        : kept.slice(0, Math.max(0, start - 1))
    start = findParameter(kept, name, start)
  }
  return kept
}
