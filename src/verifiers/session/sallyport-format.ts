/** Sessions in the gateway's own format: the cookie holds the id, the store holds plain JSON. */
import { byPart } from '../../protocol/identity-parts.ts'
import type { KeptPath } from '../../protocol/kept-claims.ts'
import type { StoredUser } from '../../protocol/stored-user.ts'
import type { SessionFormat } from './session-format.ts'
import { parseSessionRecord, type SessionPointers } from './session-record.ts'

/**
 * JSON with these members, of which only `userId` must be there; `claims` is an object. Others are
 * of a later version, and are ignored unless its `version` forbids that.
 */
const POINTERS: Omit<SessionPointers, 'keptPaths'> = {
  hasVersion: true,
  hasNumberedUsers: false,
  userId: '/userId',
  ...byPart(({ record }) => `/${record}`),
  createdAt: '/createdAt',
  expiresAt: '/expiresAt',
  claims: '/claims',
}

export function sallyportFormat(keptPaths: readonly KeptPath[]): SessionFormat {
  const pointers: SessionPointers = { ...POINTERS, keptPaths }
  return Object.freeze({
    isLifeForeign: false,
    readCookie: (value: string) => value,
    readRecord: (text: string, sessionId: string) => parseSessionRecord(text, pointers, sessionId),
  })
}

/** For who needs no claims. */
export const SALLYPORT_FORMAT: SessionFormat = sallyportFormat([])

/** What is written about a session in this format. */
export interface SallyportSession extends StoredUser {
  /** NumericDate. */
  readonly createdAt: number
  /** NumericDate, after which no use prolongs it. */
  readonly expiresAt: number
}
