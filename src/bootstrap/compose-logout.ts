/** What the configuration of an issuer says about its logout tokens. */
import type { IssuerConfiguration } from '../config/gateway-configuration.ts'
import { logoutRevocation } from '../revocation/logout-revocation.ts'
import type { LogoutToken } from '../revocation/logout-token.ts'
import type { RevocationEntry, RevocationPolicy } from '../revocation/revocation-entry.ts'
import type { LogoutIssuer } from '../verifiers/jwt/logout-token-verifier.ts'

export interface ComposedLogoutIssuer extends LogoutIssuer {
  readonly revokes: 'session' | 'subject'
  /** Whether identities are named by `sub`, as logout tokens are. */
  readonly isNamedBySub: boolean
}

export function composeLogoutIssuer(issuer: IssuerConfiguration): ComposedLogoutIssuer {
  const { introspection, audiences, logoutAudiences } = issuer
  return {
    name: issuer.name,
    issuer: issuer.issuer,
    algorithms: issuer.algorithms,
    clockToleranceSeconds: issuer.clockToleranceSeconds,
    audiences: [
      ...audiences,
      ...logoutAudiences,
      ...(introspection === null ? [] : [introspection.clientId]),
    ],
    revokes: issuer.logoutRevokes,
    isNamedBySub: issuer.claims.subject === 'sub',
  }
}

/**
 * What a logout token ends here: the session that it names, and the subject, unless the issuer is
 * trusted to write `sid` into its access tokens.
 *
 * @returns Nothing when the token names only a subject, by another claim than identities have.
 */
export function logoutEntries(
  token: LogoutToken,
  { issuer, revokes, isNamedBySub }: ComposedLogoutIssuer,
  policy: RevocationPolicy,
  nowSeconds: number,
): RevocationEntry[] {
  const sub = isNamedBySub ? token.sub : null
  const parts =
    token.sid === null || revokes === 'session'
      ? [{ ...token, sub }]
      : [
          { ...token, sub: null },
          { ...token, sub, sid: null },
        ]
  return parts
    .map((part) => logoutRevocation(part, issuer, policy, nowSeconds))
    .filter((entry) => entry !== null)
}
