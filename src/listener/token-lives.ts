/** How long the tokens of each issuer live at most. */
import type { GatewayConfiguration } from '../config/sections.ts'

/** How long a revocation of an issuer is kept that names no end, at least, by `iss`. */
export function tokenLives(configuration: GatewayConfiguration): (issuer: string) => number {
  const { issuers, revocation } = configuration
  const lives = new Map(issuers.map((it) => [it.issuer, it.credentialLifeMaxSeconds]))
  return (issuer) => lives.get(issuer) ?? revocation.tokenLifeMaxSeconds
}
