/**
 * Reads the one field of a request body by which requests are counted: the user name or the e-mail
 * address that someone claims to have.
 *
 * Two parsers that disagree about a body are how guesses at one account come to be counted under
 * many. So the field is read only where every service behind reads the same; a body that leaves
 * doubt is refused.
 */
import { isAscii } from 'node:buffer'
import { bodyType } from './body-type.ts'
import { countedValue } from './counted-value.ts'
import type { FoundField } from './field-spelling.ts'
import { findFormField } from './form-body-field.ts'
import { findJsonField } from './json-body-field.ts'

/** A body that is longer is refused: what comes behind is not looked at. */
export const FIELD_BODY_BYTES_MAX = 65_536

export type BodyField =
  | { readonly kind: 'value'; readonly value: string }
  | {
      readonly kind: 'refused'
      readonly reason:
        | 'limit_field_absent'
        | 'limit_field_repeated'
        | 'limit_field_unreadable'
        | 'limit_field_too_far'
    }

const ABSENT: BodyField = Object.freeze({ kind: 'refused', reason: 'limit_field_absent' })
const REPEATED: BodyField = Object.freeze({ kind: 'refused', reason: 'limit_field_repeated' })
const UNREADABLE: BodyField = Object.freeze({ kind: 'refused', reason: 'limit_field_unreadable' })
const TOO_FAR: BodyField = Object.freeze({ kind: 'refused', reason: 'limit_field_too_far' })

const BEYOND_ASCII = /[^\0-\x7f]/

/**
 * The value of a field, as it is counted (counted-value.ts), or why the body is refused. In this
 * order; the first that holds is the answer:
 *
 * - `limit_field_absent`: there is no body.
 * - `limit_field_unreadable`: the media type is not `application/json` or
 *   `application/x-www-form-urlencoded`, or its charset is not UTF-8 or US-ASCII (body-type.ts).
 * - `limit_field_too_far`: the body is longer than {@link FIELD_BODY_BYTES_MAX}, wherever the field
 *   is. Of two fields of one name services mostly take the last, and it could come behind.
 * - `limit_field_unreadable`: it is no such document to the letter (json-body-field.ts,
 *   form-body-field.ts).
 * - `limit_field_absent`: the field is not there.
 * - `limit_field_repeated`: it is there more than once, or under a name that some services take for
 *   its own, if only once: `Username`, and in forms `username[]` and `login.username`.
 * - `limit_field_unreadable`: its value is not text and not a whole number, or holds a NUL.
 * - `limit_field_absent`: the value is empty, or white space.
 *
 * Does *not* look at the query, from which servlets and others take a parameter before they look
 * at the body: the caller refuses a query in which the name stands (http/query-parameter.ts).
 *
 * @param bytes All of the body, or its beginning.
 * @param isWhole Whether it is all.
 * @param contentType The one field of this name; `null` when there is none, when there are several,
 *   and when there is a `Content-Encoding` other than `identity`.
 * @param field As the service spells it. In JSON a member of the outermost object, which is the
 *   only place where it counts; in forms the whole name, such as `session[email]`.
 */
export function bodyField(
  bytes: Uint8Array,
  isWhole: boolean,
  contentType: string | null,
  field: string,
): BodyField {
  if (isWhole && bytes.length === 0) return ABSENT
  const type = contentType === null ? null : bodyType(contentType)
  if (type === null) return UNREADABLE
  if (!isWhole || bytes.length > FIELD_BODY_BYTES_MAX) return TOO_FAR
  if (type.isAscii && !isAscii(bytes)) return UNREADABLE

  if (type.kind === 'json') return counted(findJsonField(bytes, field), false)
  // An escape in JSON means a character, in a form it means bytes of the charset.
  return counted(findFormField(bytes, field), type.isAscii)
}

function counted(found: FoundField | null, mustBeAscii: boolean): BodyField {
  if (found === null) return UNREADABLE
  if (found.names === 0) return ABSENT
  if (found.names > 1 || !found.isExact) return REPEATED
  const { text } = found
  if (text === null || text.includes('\0')) return UNREADABLE
  if (mustBeAscii && BEYOND_ASCII.test(text)) return UNREADABLE
  const value = countedValue(text)
  return value === '' ? ABSENT : { kind: 'value', value }
}
