/**
 * Owns the keys that sign internal tokens. Lives in the supervisor; listeners hold snapshots of it,
 * sign with the one key that they name and serve the public ones to upstreams.
 *
 * Upstreams fetch the JWK Set through any instance behind the balancer, so where keys come from
 * decides what works:
 *
 * - `generated`: each process makes its own. Good for one instance. With several, an upstream that
 *   fetched the set from one refuses the tokens of the others; and after a restart, upstreams
 *   refuse new tokens until they fetch again, and tokens from before it as soon as they have.
 * - `secret`: all instances derive the same keys from the same secret, over restarts too. A
 *   secret is replaced in two steps: published by all instances first, then it signs.
 * - `files`: an operator, or a tool of theirs, hands the same files to all instances and decides
 *   when keys rotate; `keyRotationMs` has no say then.
 */
import { assertInvariant } from '../runtime/assert-invariant.ts'
import type { Clock } from '../runtime/clock.ts'
import { KEY_SECRET_BYTES_MIN } from './derive-signing-key.ts'
import { DerivedKeys, type KeyDerivation } from './derived-keys.ts'
import { GeneratedKeys } from './generated-keys.ts'
import { KeyFiles } from './key-files.ts'
import type { KeyOverlap } from './key-overlap.ts'
import type { KeyFileProblem, KeyPlan, KeyPlanner } from './key-plan.ts'
import type { InternalTokenAlgorithm, PublicSigningJwk, SigningKey } from './signing-key.ts'

export type SigningKeySource =
  | { readonly kind: 'generated' }
  /** At least KEY_SECRET_BYTES_MIN bytes, and random: see derive-signing-key.ts. */
  | {
      readonly kind: 'secret'
      readonly secret: Uint8Array
      /** Published beside those that sign: see DerivedKeys. */
      readonly published: readonly KeyDerivation[]
    }
  /** A PEM file, or a directory of `*.pem` files: see key-files.ts. */
  | { readonly kind: 'files'; readonly path: string }

export interface SigningKeysOptions {
  readonly algorithm: InternalTokenAlgorithm
  /** At least KEY_ROTATION_MS_MIN. */
  readonly keyRotationMs: number
  readonly overlap: KeyOverlap
  readonly source: SigningKeySource
}

export interface SigningKeysParts {
  readonly clock: Clock
  /** Called with each snapshot that differs from the one before; not with the first. */
  readonly onSnapshot: (snapshot: SigningSnapshot) => void
  readonly onEvent: (event: SigningKeyEvent) => void
}

/** What a listener needs to sign. Plain texts: structured cloning hands it to other threads. */
export interface TokenSigner {
  readonly keyId: string
  readonly algorithm: InternalTokenAlgorithm
  /** PKCS#8. Secret. */
  readonly privateKeyPem: string
}

/** Immutable; replaced whole. */
export interface SigningSnapshot {
  readonly signing: TokenSigner
  /** Public members only; newest first. */
  readonly published: readonly PublicSigningJwk[]
  /** Body of `/.well-known/jwks.json` (RFC 7517 §5), media type `application/jwk-set+json`. */
  readonly jwks: string
  /** For its `Cache-Control: max-age`. Answers must not allow more, or a rotation is not seen. */
  readonly jwksMaxAgeSeconds: number
}

/**
 * - `signing_key_published`, `signing_key_retired`: a key enters or leaves the JWK Set.
 * - `signing_key_rotated`: another key signs from now on.
 * - `key_files_failed`: with the reason, when that changes. The keys in use stay in use.
 */
export interface SigningKeyEvent {
  readonly type:
    | 'signing_key_published'
    | 'signing_key_retired'
    | 'signing_key_rotated'
    | 'key_files_failed'
  /** `kid`; `null` for `key_files_failed`. */
  readonly keyId: string | null
  /** `null` but for `key_files_failed`. */
  readonly reason: KeyFileProblem | null
}

/** `secret_too_short`, or what is wrong with the files: nothing is overlooked at the start. */
export type SigningKeysOpened =
  | { readonly ok: true; readonly signingKeys: SigningKeys }
  | { readonly ok: false; readonly reason: KeyFileProblem | 'secret_too_short' }

/** Shorter, and the JWK Set would be many keys that hardly sign. */
const KEY_ROTATION_MS_MIN = 300_000

/** The longest that a timer can wait; the plan is made again then. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** Makes or reads the first keys. Starts no timer. Never rejects. */
export async function openSigningKeys(
  options: SigningKeysOptions,
  parts: SigningKeysParts,
): Promise<SigningKeysOpened> {
  const { source, keyRotationMs } = options
  assertInvariant(keyRotationMs >= KEY_ROTATION_MS_MIN, 'the configuration bounds the rotation')
  if (source.kind === 'secret' && source.secret.byteLength < KEY_SECRET_BYTES_MIN) {
    return { ok: false, reason: 'secret_too_short' }
  }
  const planner = plannerOf(options, parts.clock)
  const plan = await planner.plan()
  if (!plan.ok) return { ok: false, reason: plan.problem }
  if (plan.problem !== null) return { ok: false, reason: plan.problem }
  return { ok: true, signingKeys: new SigningKeys(planner, plan, options.overlap, parts) }
}

function plannerOf(options: SigningKeysOptions, clock: Clock): KeyPlanner {
  const { algorithm, keyRotationMs, overlap, source } = options
  switch (source.kind) {
    case 'generated':
      return new GeneratedKeys({ algorithm, keyRotationMs, overlap }, clock)
    case 'secret':
      return new DerivedKeys({ algorithm, keyRotationMs, overlap, ...source }, clock)
    case 'files':
      return new KeyFiles({ algorithm, overlap, path: source.path }, clock)
  }
}

export class SigningKeys {
  readonly #planner: KeyPlanner
  readonly #parts: SigningKeysParts
  readonly #jwksMaxAgeSeconds: number
  #snapshot: SigningSnapshot
  #reviewInMs: number
  #problem: KeyFileProblem | null = null
  #review: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #isRunning = false

  /** For {@link openSigningKeys}, which has the first plan. */
  constructor(planner: KeyPlanner, plan: KeyPlan, overlap: KeyOverlap, parts: SigningKeysParts) {
    this.#planner = planner
    this.#parts = parts
    this.#jwksMaxAgeSeconds = overlap.upstreamCacheSeconds
    this.#snapshot = snapshotOf(plan, this.#jwksMaxAgeSeconds)
    this.#reviewInMs = plan.reviewInMs
  }

  /** The keys as of the last tick. */
  snapshot(): SigningSnapshot {
    return this.#snapshot
  }

  /** Has the keys rotate by themselves until {@link stop}. */
  start(): void {
    this.#isRunning = true
    this.#arm()
  }

  /** Ends the timer. Keys live on in the threads. */
  stop(): void {
    this.#isRunning = false
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  /**
   * Brings the keys up to the present instant and tells what changed. Never rejects, unless a
   * callback throws; one at a time.
   *
   * @returns Settles with the milliseconds after which there may be something to do again.
   */
  async tick(): Promise<number> {
    this.#review ??= this.#plan().finally(() => {
      this.#review = null
    })
    await this.#review
    return this.#reviewInMs
  }

  async #plan(): Promise<void> {
    const plan = await this.#planner.plan()
    this.#tellProblem(plan.problem)
    if (!plan.ok) return
    this.#reviewInMs = plan.reviewInMs
    const before = this.#snapshot
    const after = snapshotOf(plan, this.#jwksMaxAgeSeconds)
    // The same texts are the same keys: names are thumbprints.
    if (after.jwks === before.jwks && after.signing.keyId === before.signing.keyId) return
    this.#snapshot = after
    this.#parts.onSnapshot(after)
    this.#tellChanges(before, after)
  }

  #arm(): void {
    if (!this.#isRunning) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    // Rounded up: a timer that fires a fraction early would find nothing changed and spin.
    const delayMs = Math.min(TIMER_MS_MAX, Math.max(0, Math.ceil(this.#reviewInMs)) + 1)
    this.#timer = setTimeout(() => void this.tick().then(() => this.#arm()), delayMs)
  }

  #tellChanges(before: SigningSnapshot, after: SigningSnapshot): void {
    for (const { kid } of added(before.published, after.published)) {
      this.#tell('signing_key_published', kid)
    }
    if (before.signing.keyId !== after.signing.keyId) {
      this.#tell('signing_key_rotated', after.signing.keyId)
    }
    for (const { kid } of added(after.published, before.published)) {
      this.#tell('signing_key_retired', kid)
    }
  }

  #tell(type: Exclude<SigningKeyEvent['type'], 'key_files_failed'>, keyId: string): void {
    this.#parts.onEvent({ type, keyId, reason: null })
  }

  #tellProblem(reason: KeyFileProblem | null): void {
    if (reason === this.#problem) return
    this.#problem = reason
    if (reason !== null) this.#parts.onEvent({ type: 'key_files_failed', keyId: null, reason })
  }
}

function added(
  before: readonly PublicSigningJwk[],
  after: readonly PublicSigningJwk[],
): readonly PublicSigningJwk[] {
  return after.filter(({ kid }) => before.every((known) => known.kid !== kid))
}

function snapshotOf(plan: KeyPlan, jwksMaxAgeSeconds: number): SigningSnapshot {
  const published = Object.freeze(plan.published.map(({ publicJwk }) => publicJwk))
  return Object.freeze({
    signing: signerOf(plan.signing),
    published,
    jwks: JSON.stringify({ keys: published }),
    jwksMaxAgeSeconds,
  })
}

function signerOf({ keyId, algorithm, privateKeyPem }: SigningKey): TokenSigner {
  return Object.freeze({ keyId, algorithm, privateKeyPem })
}
