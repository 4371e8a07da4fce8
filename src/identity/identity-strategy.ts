/**
 * Ways of telling an upstream who is calling (`identity.strategy`): what each one writes into a
 * request, and what it takes out of what the client sent.
 *
 *     strategy        | credential of the client | `Authorization`       | written
 *     headers         | taken out                | stays if no credential | identity fields
 *     internal-token  | taken out                | always taken out       | a minted JWT
 *     pass-through    | stays                    | stays                  | nothing
 *
 * Identity fields that a client sends are taken out under each of them: strip-identity-headers.ts.
 */
import { fieldLines } from '../http/header-list.ts'
import type { RandomHex } from '../observability/random-text-pool.ts'
import type { Verified } from '../protocol/verification.ts'
import {
  type CustomHeader,
  type IdentityHeaderNames,
  renderIdentityHeaders,
  type ServedTenant,
} from './identity-headers.ts'
import { InternalTokenMinter, type InternalTokenOptions, MintedToken } from './internal-token.ts'
import type { SigningSnapshot } from './signing-keys.ts'

/** The words of `identity.strategy`, in the order of the picture above. */
export const IDENTITY_STRATEGIES = ['headers', 'internal-token', 'pass-through'] as const

export type IdentityStrategyName = (typeof IDENTITY_STRATEGIES)[number]

const AUTHORIZATION = ['authorization'] as const

/** What is worked out once for an identity; kept beside its verdict. */
export interface IdentitySlots {
  /** Identity as lines of a request head; `null` until somebody has rendered them. */
  headerLines: string | null
  /** The tenant that they were rendered for. */
  headerTenant: ServedTenant | null
  /** `null` until somebody has minted a token. */
  minted: MintedToken | null
}

export interface IdentityStrategy {
  /** Whether what the route reads as a credential goes upstream as it came. */
  readonly keepsCredential: boolean
  /** Lower-case names of request fields that never go upstream as the client sent them. */
  readonly ownFieldNames: readonly string[]
  /**
   * Hot path: lines of the request head, each with CRLF before it; empty when nothing is told.
   *
   * Does *not* check that the verdict still holds: the caller has.
   *
   * @param slots Those of the identity of this verdict.
   * @param tenant The tenant that the request was found to be for; `null` where nothing finds one,
   *   and then the identity's own is told.
   */
  linesFor(
    slots: IdentitySlots,
    verified: Verified,
    tenant: ServedTenant | null,
    nowSeconds: number,
  ): string
}

/** Header fields in place of the credential. */
export class IdentityHeaders implements IdentityStrategy {
  readonly keepsCredential = false
  readonly ownFieldNames = []
  readonly #names: IdentityHeaderNames
  readonly #custom: readonly CustomHeader[]

  constructor(names: IdentityHeaderNames, custom: readonly CustomHeader[]) {
    this.#names = names
    this.#custom = custom
  }

  linesFor(slots: IdentitySlots, { identity }: Verified, tenant: ServedTenant | null): string {
    if (slots.headerLines === null || !isSameTenant(slots.headerTenant, tenant)) {
      const fields = renderIdentityHeaders(identity, this.#names, tenant, this.#custom)
      slots.headerLines = fieldLines(fields)
      slots.headerTenant = tenant
    }
    return slots.headerLines
  }
}

/** A registry may make a new object of a tenant that has not changed. */
function isSameTenant(one: ServedTenant | null, other: ServedTenant | null): boolean {
  return one === other || (one?.id === other?.id && one?.plan === other?.plan)
}

/**
 * A JWT in `Authorization` in place of the credential: see internal-token.ts.
 *
 * What a client sends in `Authorization` never goes upstream, not even where the credential was
 * elsewhere or the caller is not known: it could be a token that was minted here and got out.
 */
export class InternalTokens implements IdentityStrategy {
  readonly keepsCredential = false
  readonly ownFieldNames = AUTHORIZATION
  readonly #minter: InternalTokenMinter
  #keys: SigningSnapshot

  constructor(options: InternalTokenOptions, keys: SigningSnapshot, randomHex: RandomHex) {
    this.#minter = new InternalTokenMinter(options, keys.signing, randomHex)
    this.#keys = keys
  }

  /** What upstreams verify with. */
  get published(): SigningSnapshot {
    return this.#keys
  }

  /** Publishes these keys and signs with theirs from now on. */
  useKeys(keys: SigningSnapshot): void {
    this.#keys = keys
    this.#minter.useSigner(keys.signing)
  }

  linesFor(
    slots: IdentitySlots,
    verified: Verified,
    tenant: ServedTenant | null,
    nowSeconds: number,
  ): string {
    slots.minted ??= new MintedToken()
    return this.#minter.linesFor(slots.minted, verified, tenant?.id ?? null, nowSeconds)
  }
}

/** The credential as it came, and nothing else: the upstream verifies it itself. */
export const PASS_THROUGH: IdentityStrategy = {
  keepsCredential: true,
  ownFieldNames: [],
  linesFor: () => '',
}

/** `internal-token` where no route ever knows a caller, so that there are no keys. */
export const NO_INTERNAL_TOKENS: IdentityStrategy = {
  keepsCredential: false,
  ownFieldNames: AUTHORIZATION,
  linesFor: () => '',
}
