/**
 * Misspelled members of stored records. What is not known is of a later version and is ignored; but
 * where leaving a member out opens something, a name that is almost the right one must not be.
 */

/**
 * The known name that a name differs from only in case, or by one character more, less or another,
 * or by two neighbours that have changed places.
 *
 * @returns `null` when there is none, and when the name is a known one.
 */
export function nearlyNamed(name: string, known: ReadonlySet<string>): string | null {
  if (known.has(name)) return null
  const folded = name.toLowerCase()
  for (const other of known) {
    if (isWithinOneEdit(folded, other.toLowerCase())) return other
  }
  return null
}

function isWithinOneEdit(text: string, other: string): boolean {
  if (Math.abs(text.length - other.length) > 1) return false
  let start = 0
  while (start < text.length && text[start] === other[start]) start += 1
  const rest = (from: string, skipped: number) => from.slice(start + skipped)
  if (rest(text, 1) === rest(other, 1)) return true
  if (rest(text, 1) === rest(other, 0) || rest(text, 0) === rest(other, 1)) return true
  const isSwapped = text[start] === other[start + 1] && text[start + 1] === other[start]
  return isSwapped && rest(text, 2) === rest(other, 2)
}
