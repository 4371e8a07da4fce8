/** Reads the `Accept` field (RFC 9110 §12.5.1), as far as the gateway itself answers by it. */

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** RFC 9110 §12.4.2. */
const WEIGHT = /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/

/**
 * Whether the list names this very media type with a weight above zero. Wildcards do not name it:
 * every program that does not care sends them. Parameters of the type other than its weight are
 * ignored; an entry whose weight is none counts for nothing.
 *
 * @param mediaType In lower case, without parameters.
 */
export function acceptsByName(accept: string, mediaType: string): boolean {
  return weightOf(accept, [mediaType]) > 0
}

/**
 * Whether the list names this very media type, and none of the others with as much weight: clients
 * that name one of those besides are programs.
 *
 * @param others In lower case, without parameters.
 */
export function prefersByName(
  accept: string,
  mediaType: string,
  others: readonly string[],
): boolean {
  const weight = weightOf(accept, [mediaType])
  return weight > 0 && weight > weightOf(accept, others)
}

/** The most weight that the list gives to one of these types by name; 0: none. */
function weightOf(accept: string, mediaTypes: readonly string[]): number {
  let most = 0
  for (const entry of splitOutsideQuotes(accept, ',')) {
    const [range = '', ...parameters] = splitOutsideQuotes(entry, ';').map((part) => part.trim())
    if (mediaTypes.includes(range.toLowerCase())) {
      most = Math.max(most, Math.min(...parameters.map(parameterWeight), 1))
    }
  }
  return most
}

/** What is no weight takes none away; a weight that is none counts as 0. */
function parameterWeight(parameter: string): number {
  if (!/^q=/i.test(parameter)) return 1
  const weight = parameter.slice(2)
  return WEIGHT.test(weight) ? Number(weight) : 0
}

/** Separators within a quoted-string separate nothing (RFC 9110 §5.6.4). */
function splitOutsideQuotes(text: string, separator: ',' | ';'): readonly string[] {
  const parts: string[] = []
  let start = 0
  let isQuoted = false
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code === QUOTE) isQuoted = !isQuoted
    else if (isQuoted && code === BACKSLASH) index += 1
    else if (!isQuoted && text[index] === separator) {
      parts.push(text.slice(start, index))
      start = index + 1
    }
  }
  return [...parts, text.slice(start)]
}
