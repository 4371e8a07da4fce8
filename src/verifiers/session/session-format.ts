/** What differs between the formats in which sessions are stored, for who verifies sessions. */
import type { Anonymous, Refused } from '../../protocol/verification.ts'
import { isSessionId } from './session-key.ts'
import type { SessionRecord } from './session-record.ts'

export interface SessionFormat {
  /**
   * Whether another program decides how long a session lives: the gateway then never shortens that.
   */
  readonly isLifeForeign: boolean
  /**
   * Why a cookie is refused that holds no id of ours. Foreign: another program writes cookies of
   * that name, and ours cannot be told from those that it writes for itself.
   */
  readonly notOurs: 'session_cookie_malformed' | 'session_cookie_foreign'
  /** @returns The id, whatever its form; `null` when the cookie does not hold one that is good. */
  readCookie(value: string): string | null
  /**
   * The identity's session is `sessionId`; it has no issuer.
   *
   * @returns `no_session` when the record is unreadable. Anonymous when it is readable and has no
   *   user.
   */
  readRecord(text: string, sessionId: string): SessionRecord | Anonymous | Refused
}

/** The id in a cookie that can be one of ours: the store may be asked about it. Else `null`. */
export function ownSessionId(
  { readCookie }: Pick<SessionFormat, 'readCookie'>,
  cookieValue: string,
): string | null {
  const id = readCookie(cookieValue)
  return id !== null && isSessionId(id) ? id : null
}
