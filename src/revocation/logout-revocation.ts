/** What a logout token revokes. */
import type { LogoutToken } from '../protocol/logout-token.ts'
import {
  lastDeathSeconds,
  type RevocationEntry,
  type RevocationPolicy,
} from './revocation-entry.ts'
import { issuerKey, revocationKey } from './revocation-key.ts'

/**
 * The revocation that a logout token asks for (OpenID Connect Back-Channel Logout 1.0 §2.7): of the
 * session when it names one, otherwise of all that the issuer issued to the subject before.
 *
 * "Before" is the token's own `iat`, not its arrival: it comes from the clock that dates the access
 * tokens too, and a notice that arrives late, or twice, leaves the next login alone.
 *
 * Only reaches a session's tokens if they carry `sid`: for an issuer whose access tokens do not,
 * pass the token without its `sid`.
 */
export function logoutRevocation(
  token: Pick<LogoutToken, 'sub' | 'sid' | 'issuedAtSeconds'>,
  issuer: string,
  policy: RevocationPolicy,
  nowSeconds: number,
): RevocationEntry | null {
  const { sub, sid, issuedAtSeconds } = token
  if (sid !== null) {
    return {
      kind: 'sid',
      key: revocationKey({ kind: 'sid', issuer, value: sid }),
      issuer: issuerKey(issuer),
      tellsIssuer: false,
      watermarkSeconds: null,
      untilSeconds: lastDeathSeconds(null, policy, nowSeconds),
    }
  }
  if (sub === null) return null
  return {
    kind: 'sub',
    key: revocationKey({ kind: 'sub', issuer, value: sub }),
    issuer: issuerKey(issuer),
    tellsIssuer: false,
    watermarkSeconds: issuedAtSeconds,
    untilSeconds: lastDeathSeconds(issuedAtSeconds, policy, nowSeconds),
  }
}
