/** What differs between the formats in which sessions are stored, for who verifies sessions. */
import type { Anonymous, Refused } from '../../protocol/verification.ts'
import type { SessionRecord } from './session-record.ts'

export interface SessionFormat {
  /**
   * Whether another program decides how long a session lives: the gateway then never shortens that.
   */
  readonly isLifeForeign: boolean
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
