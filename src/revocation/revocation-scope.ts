/** What can be revoked here at all, and for how long a revocation of it has to be kept. */
import { type IndexedIssuer, IssuerIndex } from '../protocol/issuer-index.ts'
import { REVOCATION_LIFE_MAX_SECONDS, type RevocationPolicy } from './revocation-entry.ts'
import { issuerKey, type RevocationKey, type RevocationName } from './revocation-key.ts'

/** An issuer of the configuration. */
export interface RevocableIssuer extends IndexedIssuer {
  readonly clockToleranceSeconds: number
  /** Longest life of its tokens that say when they end. */
  readonly tokenLifeMaxSeconds: number
  /** Whether some of its tokens may be good for longer than that, because they name no end. */
  readonly hasEndlessTokens: boolean
}

export interface RevocationScopeParts {
  readonly issuers: readonly RevocableIssuer[]
  /** Longest life of a session; `null`: there are none. */
  readonly sessionLifeMaxSeconds: number | null
  readonly hasApiKeys: boolean
}

/** `message` is for the operator. */
export type ScopedPolicy =
  | { readonly ok: true; readonly policy: RevocationPolicy }
  | { readonly ok: false; readonly message: string }

const NO_SUCH_ISSUER =
  'no issuer of this name is configured: this would cover nothing. Names are compared with iss, ' +
  'letter by letter, with a value in the place of a placeholder'
const NO_SESSIONS = 'there are no sessions here: this would cover nothing. Name the issuer'
const NO_SESSIONS_OR_API_KEYS =
  'there are neither sessions nor API keys here: this would cover nothing. Name the issuer'

export class RevocationScope {
  readonly #issuers: IssuerIndex<RevocableIssuer>
  readonly #sessionLifeMaxSeconds: number | null
  readonly #hasApiKeys: boolean

  constructor({ issuers, sessionLifeMaxSeconds, hasApiKeys }: RevocationScopeParts) {
    this.#issuers = new IssuerIndex(issuers)
    this.#sessionLifeMaxSeconds = sessionLifeMaxSeconds
    this.#hasApiKeys = hasApiKeys
  }

  /** How long an operator's revocation is kept that names no end. */
  policyOf({ kind, issuer: name }: RevocationName): ScopedPolicy {
    if (name === '') return this.#withoutIssuer(kind)
    const issuer = this.#issuers.find(name)
    if (issuer === undefined) return { ok: false, message: NO_SUCH_ISSUER }
    const life = issuer.hasEndlessTokens ? REVOCATION_LIFE_MAX_SECONDS : issuer.tokenLifeMaxSeconds
    return policy(life, issuer.clockToleranceSeconds)
  }

  /**
   * Whose share of the index a revocation of this issuer takes: those that a placeholder stands for
   * have one share together.
   */
  sharerOf(name: string): RevocationKey {
    return issuerKey(this.#issuers.find(name)?.issuer ?? name)
  }

  /**
   * How long a logout is kept. Not for as long as a token without an end might be good: who ended
   * the session is asked about that one again and again.
   */
  logoutPolicyOf(name: string): RevocationPolicy | null {
    const issuer = this.#issuers.find(name)
    if (issuer === undefined) return null
    const { tokenLifeMaxSeconds, clockToleranceSeconds } = issuer
    return { credentialLifeMaxSeconds: tokenLifeMaxSeconds, clockToleranceSeconds }
  }

  /** Sessions and API keys: nothing bounds the life of a key, and their clock is ours. */
  #withoutIssuer(kind: RevocationName['kind']): ScopedPolicy {
    const life = this.#sessionLifeMaxSeconds
    if (life === null && !this.#hasApiKeys) return { ok: false, message: NO_SESSIONS_OR_API_KEYS }
    if (kind !== 'sid') return policy(REVOCATION_LIFE_MAX_SECONDS, 0)
    return life === null ? { ok: false, message: NO_SESSIONS } : policy(life, 0)
  }
}

function policy(credentialLifeMaxSeconds: number, clockToleranceSeconds: number): ScopedPolicy {
  return { ok: true, policy: { credentialLifeMaxSeconds, clockToleranceSeconds } }
}
