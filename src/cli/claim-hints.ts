/** What the metadata of an issuer let guess about the paths of claims that a configuration has. */
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import { composeClaimSources } from '../listener/claim-sources.ts'
import { watchedPlacesOf } from '../listener/watched-places.ts'

/** Access tokens have these (RFC 9068 §2.2): metadata list what ID tokens have. */
const OF_ACCESS_TOKENS: readonly string[] = [
  ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid'],
  ...['client_id', 'azp', 'scope', 'scp'],
]

/**
 * One line for each path that no claim of `claims_supported` begins. Only a hint: issuers may have
 * claims that they do not list (OpenID Connect Discovery §3), and many do.
 *
 * @param supported `null`: the metadata do not say, and nothing can be guessed.
 */
export function claimHints(
  issuer: IssuerConfiguration,
  configuration: GatewayConfiguration,
  supported: readonly string[] | null,
): readonly string[] {
  if (supported === null || supported.length === 0) return []
  const sources = composeClaimSources(issuer, configuration)
  const listed = new Set([...supported, ...OF_ACCESS_TOKENS])
  return watchedPlacesOf(issuer.name, sources, configuration).flatMap(({ path, text, setting }) => {
    if (listed.has(path.text) || listed.has(path.steps[0] ?? '')) return []
    return [`  hint     ${setting}: ${text} is not among claims_supported of the issuer`]
  })
}
