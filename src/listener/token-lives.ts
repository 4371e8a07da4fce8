/** How long the tokens of each issuer live at most. */
import type { GatewayConfiguration } from '../config/sections.ts'
import { IssuerIndex } from '../protocol/issuer-index.ts'
import { createIssuerTemplate } from '../protocol/issuer-template.ts'
import type { RevocationLife } from '../verifiers/bearer-token/long-lived-tokens.ts'

/** How long a revocation of an issuer is kept that names no end, at least, by `iss`. */
export function tokenLives(
  configuration: GatewayConfiguration,
): (issuer: string) => RevocationLife {
  const { issuers, revocation } = configuration
  const lives = new IssuerIndex(
    issuers.map(({ issuer, placeholder, credentialLifeMaxSeconds }) => ({
      issuer,
      template: createIssuerTemplate(issuer, placeholder),
      lastsSeconds: credentialLifeMaxSeconds ?? revocation.tokenLifeMaxSeconds,
    })),
  )
  return (issuer) =>
    lives.find(issuer) ?? { issuer: '', lastsSeconds: revocation.tokenLifeMaxSeconds }
}
