/** Sessions in the gateway's own format: the cookie holds the id, the store holds plain JSON. */
import { byPart } from '../../protocol/identity-parts.ts'
import {
  NO_PART_USED,
  type RecordUse,
  recordPlaces,
  type StoredUser,
} from '../../protocol/stored-user.ts'
import type { SessionFormat } from './session-format.ts'
import { parseSessionRecord, type SessionPointers } from './session-record.ts'

/**
 * JSON with these members, of which only `userId` must be there; `claims` is an object. Others are
 * of a later version, and are ignored unless its `version` forbids that.
 */
const POINTERS = {
  hasVersion: true,
  hasNumberedUsers: false,
  userId: '/userId',
  createdAt: '/createdAt',
  expiresAt: '/expiresAt',
  claims: '/claims',
}

const PARTS = byPart(({ record }) => `/${record}`)

/** @param use What the configuration uses of a record. */
export function sallyportFormat(use: RecordUse): SessionFormat {
  const { keptPaths } = use
  const pointers: SessionPointers = { ...POINTERS, ...recordPlaces(PARTS, use), keptPaths }
  return Object.freeze({
    isLifeForeign: false,
    notOurs: 'session_cookie_malformed',
    readCookie: (value: string) => value,
    readRecord: (text: string, sessionId: string) => parseSessionRecord(text, pointers, sessionId),
  })
}

/** For who looks after sessions: it reads each that any route may take. */
export const SALLYPORT_FORMAT: SessionFormat = sallyportFormat(NO_PART_USED)

/** What is written about a session in this format. */
export interface SallyportSession extends StoredUser {
  /** NumericDate. */
  readonly createdAt: number
  /** NumericDate, after which no use prolongs it. */
  readonly expiresAt: number
}
