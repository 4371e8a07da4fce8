/** Sessions of express-session: a signed cookie, and JSON that an application fills in. */
import { createSecretKey } from 'node:crypto'
import type { PartNames } from '../../protocol/identity-parts.ts'
import { EVERY_PART_USED, type RecordUse, recordPlaces } from '../../protocol/stored-user.ts'
import { readExpressCookie } from './express-cookie.ts'
import type { SessionFormat } from './session-format.ts'
import { parseSessionRecord, type SessionPointers } from './session-record.ts'

/** Where the application keeps what an identity needs, as JSON pointers. */
export interface ExpressSessionPointers extends PartNames {
  readonly userId: string
  readonly createdAt: string | null
}

/**
 * What express-session says of its own cookie (`cookie.expires`) is not read: the store that goes
 * with it prolongs a session without writing that anew.
 *
 * @param secrets Any of which may have signed the cookie.
 * @param use What the configuration uses of a record. Its paths lead from the data as a whole.
 */
export function expressSessionFormat(
  secrets: readonly string[],
  where: ExpressSessionPointers,
  use: RecordUse = EVERY_PART_USED,
): SessionFormat {
  const pointers: SessionPointers = {
    ...where,
    ...recordPlaces(where, use),
    hasVersion: false,
    hasNumberedUsers: true,
    expiresAt: null,
    claims: null,
    keptPaths: use.keptPaths,
  }
  // Once, and not as text: Node 24 takes much longer for a secret that is no key (native-key.ts).
  const keys = secrets.map((secret) => createSecretKey(secret, 'utf8'))
  return {
    isLifeForeign: true,
    notOurs: 'session_cookie_foreign',
    readCookie: (value) => readExpressCookie(value, keys),
    readRecord: (text, sessionId) => parseSessionRecord(text, pointers, sessionId),
  }
}
