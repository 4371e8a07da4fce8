/**
 * Verifies JWT access tokens (RFC 7519 §7.2, RFC 8725, RFC 9068 §4), in this order:
 *
 *     form → header → claims → key → signature
 *
 * Claims are checked before the signature, because that is a hundred times cheaper. It tells a
 * forger nothing: the claims are his own. Nothing of them is used until the signature is good.
 */
import {
  type FoundKeys,
  findKeys,
  findNewerKeys,
  type KeySelector,
  publishedBySeconds,
  type UnsettledToken,
} from '../../keys/find-keys.ts'
import type { KeySource, VerificationKey } from '../../keys/key-set.ts'
import {
  type CheckedClaims,
  type ClaimPolicy,
  checkClaims,
  parseClaims,
} from '../../protocol/claims.ts'
import { type CompactJws, parseCompactJws } from '../../protocol/compact-jws.ts'
import { IssuerIndex } from '../../protocol/issuer-index.ts'
import { JWS_ALGORITHM_TABLE, type JwsAlgorithm } from '../../protocol/jws-algorithms.ts'
import {
  mediaType,
  type ProtectedHeader,
  ProtectedHeaderMemo,
  refuseHeader,
} from '../../protocol/protected-header.ts'
import type { RefusalReason } from '../../protocol/refusal-reason.ts'
import type { JsonObject } from '../../protocol/strict-json.ts'
import type { Trace } from '../../protocol/trace.ts'
import {
  type Refused,
  refuse,
  refuseSignature,
  type Verification,
} from '../../protocol/verification.ts'
import type { ClaimPathObserver } from '../claim-path-watch.ts'
import type { Verifier } from '../verifier.ts'
import type { SignatureChecker, SignatureOutcome } from './signature-pool.ts'
import { tellContents, tellForm } from './tell-jwt.ts'
import { tellKeys, tellNewerKeys, tellSignature } from './tell-keys.ts'

/** What one issuer's tokens must look like. */
export interface JwtIssuerPolicy extends ClaimPolicy {
  /** Name in the configuration. */
  readonly name: string
  /** Its keys are found under it; those of another configuration are not. */
  readonly keySourceId: string
  /** What this issuer signs with; one family only. */
  readonly algorithms: readonly JwsAlgorithm[]
  /**
   * Accepted `typ`, such as `JWT` and `at+jwt`, in any case. A token without `typ` counts as `JWT`
   * (RFC 7519 §5.1), so an issuer with `at+jwt` alone refuses it (RFC 9068 §4).
   */
  readonly types: readonly string[]
}

/** The issuers that one route accepts, found by `iss`. */
export interface JwtProfile {
  readonly byIssuer: IssuerIndex<JwtIssuerPolicy>
  /** As they are configured, for explanations. */
  readonly issuers: readonly string[]
}

export interface JwtVerifierParts {
  readonly keys: KeySource
  readonly signatures: SignatureChecker
  /** Hears of each token whose signature is good; `null`: nothing does. */
  readonly claimPaths: ClaimPathObserver | null
}

/** A token that lacks nothing but the check of its signature. */
interface Candidate {
  readonly kind: 'candidate'
  readonly token: string
  readonly selector: KeySelector
  readonly policy: JwtIssuerPolicy
  readonly members: JsonObject
  readonly claims: CheckedClaims
  readonly trace: Trace | null
}

const UNTYPED = 'jwt'
/** Refusals that rest on the keys at hand. */
const ABOUT_KEYS: ReadonlySet<RefusalReason> = new Set([
  'key_unknown',
  'key_issuer_mismatch',
  'key_unfit',
  'signature_invalid',
])

/**
 * Prepares the issuers of a route.
 *
 * @throws Error when two have the same `iss`, or one mixes symmetric and asymmetric algorithms:
 *   mistakes of configuration, which checking it finds earlier and words better.
 */
export function compileJwtProfile(policies: readonly JwtIssuerPolicy[]): JwtProfile {
  const compiled = policies.map((policy) => {
    const families = policy.algorithms.map((name) => JWS_ALGORITHM_TABLE[name].family)
    if (new Set(families).size !== 1) {
      throw new Error(`issuer ${policy.name}: algorithms must be of one family`)
    }
    return { ...policy, types: policy.types.map(mediaType) }
  })
  return {
    byIssuer: new IssuerIndex(compiled),
    issuers: policies.map(({ issuer }) => issuer),
  }
}

/**
 * One for each listener thread.
 *
 * Refuses with `invalid_token`, `invalid_claims`, `token_expired`, `token_not_yet_valid`,
 * `unknown_signing_key`, `verifier_unavailable` or `overloaded`. Does *not* check revocation,
 * tenant, scopes or roles, nor whether the same token was used before. Does not bound the length
 * of a token: the extractor has.
 *
 * An ECDSA signature (r, s) is as good as (r, n − s), so two different tokens may say the same and
 * both verify. Whatever must hold for a token therefore goes by `jti` or `sub`, never by digest.
 */
export class JwtVerifier implements Verifier<JwtProfile> {
  readonly #keys: KeySource
  readonly #signatures: SignatureChecker
  readonly #claimPaths: ClaimPathObserver | null
  readonly #headers = new ProtectedHeaderMemo()

  constructor(parts: JwtVerifierParts) {
    this.#keys = parts.keys
    this.#signatures = parts.signatures
    this.#claimPaths = parts.claimPaths
  }

  verify(
    token: string,
    profile: JwtProfile,
    nowSeconds: number,
    trace: Trace | null = null,
  ): Promise<Verification> {
    const candidate = this.#read(token, profile, nowSeconds, trace)
    if (candidate.kind === 'refused') return Promise.resolve(candidate)
    const keySet = this.#keys.keySet(candidate.policy.keySourceId)
    const found = findKeys(keySet, candidate.selector)
    if (trace !== null) tellKeys(trace, candidate.policy, keySet, candidate.selector, found)
    return this.#checkWith(candidate, found)
  }

  /** Everything that needs neither a key nor another thread. */
  #read(
    token: string,
    profile: JwtProfile,
    nowSeconds: number,
    trace: Trace | null,
  ): Candidate | Refused {
    const jws = parseCompactJws(token)
    const header = jws === null ? null : this.#headers.parse(jws.protectedHeader)
    const isFitting = jws !== null && header !== null && hasFittingSignature(jws, header)
    const members = isFitting ? parseClaims(jws.payload) : null
    if (trace !== null) tellForm(trace, token, jws, header, formOf(isFitting, members))
    if (jws === null) return refuse('token_malformed')
    if (header === null) return refuseHeader(jws.protectedHeader)
    if (!isFitting) return refuse('signature_length')
    if (members === null) return refuse('token_claims_malformed')
    // The unverified `iss` only selects who would have to have signed this.
    const issuer = issuerOf(members)
    const policy = profile.byIssuer.find(issuer)
    if (trace !== null) tellContents(trace, header, members, policy ?? profile.issuers, nowSeconds)
    if (policy === undefined) return refuse('issuer_not_accepted')
    if (!policy.algorithms.includes(header.algorithm)) return refuse('algorithm_not_allowed')
    if (!policy.types.includes(header.type ?? UNTYPED)) return refuse('type_not_allowed')
    const claims = checkClaims(members, policy, nowSeconds)
    if (claims.kind === 'refused') return claims
    const { algorithm, keyId } = header
    // As the token has it: the identity of a lightweight one names no issuer.
    const selector = { issuer, algorithm, keyId }
    return { kind: 'candidate', token, selector, policy, members, claims, trace }
  }

  /** When the keys at hand do not settle it: one refetch, one more look, no third. */
  async #checkWith(candidate: Candidate, found: FoundKeys): Promise<Verification> {
    const verdict = await this.#verdictOf(candidate, found)
    if (found.found === 'unavailable' || !couldBeNewer(verdict)) return verdict
    const newer = await findNewerKeys(this.#keys, unsettled(candidate), found)
    if (candidate.trace !== null) tellNewerKeys(candidate.trace, found, newer)
    if (newer.found === 'unsettled') return unsettle(verdict)
    return newer === found ? verdict : this.#verdictOf(candidate, newer)
  }

  #verdictOf(candidate: Candidate, found: FoundKeys): Promise<Verification> | Refused {
    switch (found.found) {
      case 'keys':
        return this.#checkSignatures(candidate, found)
      case 'unknown':
        return refuse('key_unknown')
      case 'foreign':
        return refuse('key_issuer_mismatch')
      case 'unfit':
        return refuse('key_unfit')
      case 'unavailable':
        return refuse('keys_unavailable')
    }
  }

  /** One key after the other, until one says something else than "not signed with this one". */
  async #checkSignatures(
    candidate: Candidate,
    { keys, areAll, restsOn }: FoundKeys & { readonly found: 'keys' },
  ): Promise<Verification> {
    for (const key of keys) {
      const verdict = await this.#checkSignature(candidate, key)
      if (verdict.kind === 'verified' || verdict.key === null) return verdict
    }
    return refuseSignature(areAll ? 'signature_invalid' : 'key_without_place', restsOn)
  }

  #checkSignature(candidate: Candidate, key: VerificationKey): Promise<Verification> {
    return new Promise((resolve) => {
      this.#signatures.submit(candidate.token, key, candidate.selector.algorithm, (outcome) => {
        if (candidate.trace !== null) tellSignature(candidate.trace, key, outcome)
        else if (outcome === 'good' && !candidate.policy.isPartial) {
          // Of a lightweight token the answer of its issuer is looked at.
          this.#claimPaths?.notice(candidate.policy.name, candidate.members)
        }
        resolve(conclude(outcome, candidate.claims, key))
      })
    })
  }
}

function unsettled({ policy, selector, claims }: Candidate): UnsettledToken {
  const { issuedAtSeconds } = claims.identity
  return {
    sourceId: policy.keySourceId,
    selector,
    publishedBySeconds: publishedBySeconds(issuedAtSeconds, policy.clockToleranceSeconds),
  }
}

/** Whether keys that were published since could verify what those at hand did not. */
function couldBeNewer(verdict: Verification): verdict is Refused {
  return verdict.kind === 'refused' && ABOUT_KEYS.has(verdict.reason)
}

/** What a refusal that rests on the keys at hand becomes when newer keys cannot be had. */
function unsettle({ reason, key }: Refused): Refused {
  if (reason !== 'signature_invalid') return refuse('key_unsettled')
  return refuseSignature('signature_unsettled', key)
}

/** What `iss` names; an empty text, which no issuer is called, when it is no text. */
function issuerOf({ iss }: JsonObject): string {
  return typeof iss === 'string' ? iss : ''
}

/** For a trace. */
function formOf(isFitting: boolean, members: object | null): 'read' | 'unread' | 'unfitting' {
  if (!isFitting) return 'unfitting'
  return members === null ? 'unread' : 'read'
}

/** A wrong length needs no native code to be refused. */
function hasFittingSignature(jws: CompactJws, header: ProtectedHeader): boolean {
  const { signatureBytes } = JWS_ALGORITHM_TABLE[header.algorithm]
  return signatureBytes === null || signatureBytes === jws.signatureBytes
}

function conclude(
  outcome: SignatureOutcome,
  claims: CheckedClaims,
  key: VerificationKey,
): Verification {
  switch (outcome) {
    case 'good':
      return {
        kind: 'verified',
        identity: claims.identity,
        deadAtSeconds: claims.deadAtSeconds,
        keySlot: key.generationSlot,
        keyGeneration: key.generation,
      }
    case 'bad':
      return refuseSignature('signature_invalid', {
        slot: key.generationSlot,
        generation: key.generation,
      })
    case 'unavailable':
      return refuse('verification_failed')
    case 'overloaded':
      return refuse('verification_overloaded')
  }
}
