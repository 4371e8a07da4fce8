/** Reads the `Accept` field (RFC 9110 §12.5.1), as far as the gateway itself answers by it. */

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** RFC 9110 §12.4.2. */
const WEIGHT = /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/
const NO_WEIGHT = /^0(?:\.0*)?$/

/**
 * Whether the list names this very media type with a weight above zero. Wildcards do not name it:
 * every program that does not care sends them. Parameters of the type other than its weight are
 * ignored; an entry whose weight is none counts for nothing.
 *
 * @param mediaType In lower case, without parameters.
 */
export function acceptsByName(accept: string, mediaType: string): boolean {
  return splitOutsideQuotes(accept, ',').some((entry) => {
    const [range = '', ...parameters] = splitOutsideQuotes(entry, ';').map((part) => part.trim())
    return range.toLowerCase() === mediaType && parameters.every(isNoExclusion)
  })
}

function isNoExclusion(parameter: string): boolean {
  if (!/^q=/i.test(parameter)) return true
  const weight = parameter.slice(2)
  return WEIGHT.test(weight) && !NO_WEIGHT.test(weight)
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
