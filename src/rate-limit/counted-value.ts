/** One form for all spellings of a name under which a service may find one account. */
import { createHash } from 'node:crypto'

/** A longer value is counted by its digest. In code units. */
const VALUE_LENGTH_MAX = 256
/** One character may be taken apart into 18, and looking for its letter takes microseconds. */
const FOLDED_LENGTH_MAX = 1_024

const PLAIN = /^[ -~]*$/
/**
 * What databases that ignore accents do not see: marks, controls, what is not shown or not
 * assigned; and what is a mark to them and not to Unicode: the raised dot (as in `l·l`), Arabic
 * lengthening and vowel signs that stand alone, voicing marks of halfwidth kana, a few others.
 */
const UNSEEN = new RegExp(
  String.raw`[\p{M}\p{C}\p{Default_Ignorable_Code_Point}\u00b7\u0387\u0640\u07fa\u0824\u0828` +
    String.raw`\u180a\u1cd3\u1cf2\u1cf3\ufc5e-\ufc63\ufcf2-\ufcf4\ufe70-\ufe7f\uff9e\uff9f]+`,
  'gu',
)
/** Letters written above others: to Unicode they are marks, to its collation letters. */
const LETTER_MARK = new RegExp(
  String.raw`[\u{363}-\u{36f}\u{1ab0}-\u{1aff}\u{1dca}\u{1dd3}-\u{1df4}\u{2de0}-\u{2dff}` +
    String.raw`\u{a674}-\u{a67b}\u{a69e}\u{a69f}\u{1e08f}]`,
  'gu',
)
const BEYOND_ASCII = /[^\0-\x7f]/gu

/** The collation of Unicode without accents and case: MySQL's `utf8mb4_0900_ai_ci` follows it. */
const { compare } = new Intl.Collator('und', { sensitivity: 'base' })
/** One letter, digit or pair for each that a collation may find equal to others; in its order. */
const LETTERS = letters()
/** Filled while values are read, with at most the 171 of {@link LETTER_MARK}. */
const LETTERS_OF_MARKS = new Map<string, string>()

/**
 * Without accents and other marks, without what is not shown, in lower case, without white space
 * around it. Compatible forms are one (fullwidth, circled, ligatures), and so is what the
 * collation of Unicode takes for one ASCII letter, digit or pair (`ß` and `ss`, `ø` and `o`, `æ`
 * and `ae`, the digits of all scripts), for one Greek, Cyrillic, Hebrew or Arabic letter, or for
 * one kana. Where databases differ, it folds: two users who share a counter are the lesser harm.
 * For counting only: what the service gets is unchanged. Empty when nothing is left.
 *
 * Does *not* fold letters of other scripts that only look alike (Cyrillic `а` and Latin `a`),
 * variants within the scripts not named above, white space or punctuation inside, nor what a
 * service does on its own: dots or `+tag` in addresses, characters that an old database does not
 * know, names that it cuts off.
 *
 * @returns At most 256 code units; the counted value of such a value is itself. The digest of a
 *   longer one has capital letters in front, so it is the value of no other. One of which more
 *   than 1024 are seen is only put in lower case.
 */
export function countedValue(text: string): string {
  const value = PLAIN.test(text) ? text.trim().toLowerCase() : folded(text)
  if (value.length <= VALUE_LENGTH_MAX) return value
  return `SHA-256 ${createHash('sha256').update(value).digest('base64url')}`
}

function folded(text: string): string {
  // Before anything is taken apart: to order a run of marks takes time that grows with its square.
  const seen = text.replace(LETTER_MARK, letterOfMark).replace(UNSEEN, '').trim()
  if (seen.length > FOLDED_LENGTH_MAX) return inLowerCase(seen)
  const apart = takenApart(seen)
  if (apart.length > FOLDED_LENGTH_MAX) return apart.trim()
  return apart.replace(BEYOND_ASCII, letterOf).normalize('NFC').trim()
}

function takenApart(text: string): string {
  return inLowerCase(text.normalize('NFKD').replace(UNSEEN, ''))
}

/** `ẞ` is `ß` in lower case, which is `SS` in upper case. */
function inLowerCase(text: string): string {
  return text.toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ')
}

/** The one that the collation takes for the same; the character itself when there is none. */
function letterOf(character: string): string {
  let from = 0
  let to = LETTERS.length
  while (from < to) {
    const middle = (from + to) >> 1
    const letter = LETTERS[middle] ?? ''
    const order = compare(character, letter)
    if (order === 0) return letter
    if (order < 0) to = middle
    else from = middle + 1
  }
  return character
}

function letterOfMark(mark: string): string {
  const known = LETTERS_OF_MARKS.get(mark)
  if (known !== undefined) return known
  const letter = letterOf(mark)
  LETTERS_OF_MARKS.set(mark, letter)
  return letter
}

function letters(): readonly string[] {
  const ascii = Array.from('0123456789abcdefghijklmnopqrstuvwxyz')
  const pairs = ascii.flatMap((first) => [first, ...ascii.map((second) => first + second)])
  const others = ['αω', 'аҁ', 'את', 'ءي', 'あん'].flatMap(between)
  const sorted = ["'", '"', ...pairs, ...others].sort(compare)
  // Of a small and a large kana, of a final letter and another, the second is kept.
  return sorted.filter((letter, index) => {
    const next = sorted[index + 1]
    return next === undefined || compare(letter, next) !== 0
  })
}

/** From the first of two characters to the second, without those that are folded. */
function between(ends: string): readonly string[] {
  const [first = 0, last = 0] = Array.from(ends, (character) => character.charCodeAt(0))
  const all = Array.from({ length: last - first + 1 }, (_, index) =>
    String.fromCharCode(first + index),
  )
  return all.filter((letter) => takenApart(letter) === letter)
}
