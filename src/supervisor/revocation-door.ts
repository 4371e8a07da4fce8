/** What a revocation has to pass, and is told, before it is in force: shares and earlier lifts. */
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import type { RevocationConfiguration } from '../config/sections/revocation.ts'
import type { SessionsConfiguration } from '../config/sections/sessions.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import type { IssuerRevocations } from '../observability/metrics/metrics-reading.ts'
import { createIssuerTemplate } from '../protocol/issuer-template.ts'
import {
  REVOCATION_LIFE_MAX_SECONDS,
  type RevocationEntry,
} from '../revocation/revocation-entry.ts'
import type { RevocationReceipt } from '../revocation/revocation-feed.ts'
import type { RevocationIndex } from '../revocation/revocation-index.ts'
import { issuerKey, type RevocationKey } from '../revocation/revocation-key.ts'
import { RevocationScope } from '../revocation/revocation-scope.ts'

/** Sessions and API keys, in metrics, beside the names of issuers. */
const NO_ISSUER = 'none'

export const SHARE_FULL: RevocationReceipt = {
  outcome: 'share_full',
  isSent: Promise.resolve(false),
}

interface Counted {
  readonly name: string
  readonly key: RevocationKey
  refused: number
}

/** Keys of those that have a share of the index: issuers, and what no issuer has issued. */
export function sharingKeys(issuers: readonly IssuerConfiguration[]): RevocationKey[] {
  return ['', ...issuers.map(({ issuer }) => issuer)].map(issuerKey)
}

export class RevocationDoor {
  readonly #index: RevocationIndex
  #counted: readonly Counted[] = []

  constructor(index: RevocationIndex, issuers: readonly IssuerConfiguration[]) {
    this.#index = index
    this.use(issuers)
  }

  /** These are the issuers from now on. What was refused of those that stay is counted on. */
  use(issuers: readonly IssuerConfiguration[]): void {
    const names = [NO_ISSUER, ...issuers.map(({ name }) => name)]
    this.#counted = sharingKeys(issuers).map((key, place) => {
      const name = names[place] ?? ''
      const before = this.#counted.find((counted) => counted.name === name)
      return { name, key, refused: before?.refused ?? 0 }
    })
  }

  /**
   * The entry as it is to be added. Those of an issuer that has many say so to other instances,
   * which then count them as well; instances of the first version cannot read that.
   *
   * @returns `null`: the share of its issuer is full.
   */
  prepare(entry: RevocationEntry, nowSeconds: number): RevocationEntry | null {
    if (entry.kind === 'lifted') return entry
    if (!this.#index.admits(entry, nowSeconds)) {
      const counted = this.#counted.find(({ key }) => key === entry.issuer)
      if (counted !== undefined) counted.refused += 1
      return null
    }
    const { shares } = this.#index
    return { ...this.#index.renewed(entry), tellsIssuer: shares.isLarge(entry.issuer) }
  }

  /** For the metrics. */
  reading(): IssuerRevocations[] {
    const { shares } = this.#index
    return this.#counted.map(({ name, key, refused }) => ({
      issuer: name,
      count: shares.countOf(key),
      refused,
    }))
  }
}

export function revocationScope(configuration: GatewayConfiguration): RevocationScope {
  const { issuers, revocation, sessions, apiKeys } = configuration
  return new RevocationScope({
    issuers: issuers.map((issuer) => ({
      issuer: issuer.issuer,
      template: createIssuerTemplate(issuer.issuer, issuer.placeholder),
      clockToleranceSeconds: issuer.clockToleranceSeconds,
      tokenLifeMaxSeconds: issuer.credentialLifeMaxSeconds ?? revocation.tokenLifeMaxSeconds,
      hasEndlessTokens: issuer.introspection !== null && issuer.credentialLifeMaxSeconds === null,
    })),
    sessionLifeMaxSeconds: sessions && sessionLife(sessions, revocation),
    hasApiKeys: apiKeys !== null,
  })
}

/** A session without an absolute end lives for as long as somebody uses it. */
function sessionLife(
  { keepsAbsoluteTtl }: SessionsConfiguration,
  { credentialLifeMaxSeconds }: RevocationConfiguration,
): number {
  return keepsAbsoluteTtl ? credentialLifeMaxSeconds : REVOCATION_LIFE_MAX_SECONDS
}
