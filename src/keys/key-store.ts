/**
 * The verification keys of one issuer and how long they are good: the state machine behind
 * `KeySetState`.
 *
 *     empty ──apply──► fresh ──freshForMs──► stale ──staleMaxAgeMs──► dead
 *       ▲                ▲                     │                       │
 *       │                └───────apply─────────┴───────────────────────┘
 *       └── a set without a usable key, from any state
 *
 * Does no I/O and sets no timer: time is the injected clock, and `advance` moves the state on. A
 * key that goes away, in whatever way, is first killed in the table of generations, which every
 * thread looks at for every cached decision, and only then missing from what `keySet` returns.
 */
import type { ParsedKey } from '../protocol/parse-jwk.ts'
import type { Clock } from '../runtime/clock.ts'
import type { GenerationTable, KeyGeneration } from './generation-table.ts'
import type { KeySet, KeySetState, KeyWithoutPlace, VerificationKey } from './key-set.ts'
import { nextVerificationKeyId } from './verification-key-id.ts'

/** How long a set is good. */
export interface KeyStoreAges {
  /** How long a fetched set counts as fresh. */
  readonly freshForMs: number
  /** How old it may become at all. Never less than `freshForMs`, whatever is said here. */
  readonly staleMaxAgeMs: number
}

export interface KeyStoreOptions extends KeyStoreAges {
  /** What its sets are found under. */
  readonly sourceId: string
}

/** Where a set comes from, for its age. */
export interface KeySetOrigin {
  /** How old the set was when it was applied; 0 for an answer that just came in. */
  readonly ageMs: number
  /**
   * Whether the issuer has published this set to this very process. A copy from disk has not been
   * confirmed: it is stale at once, however young.
   */
  readonly confirmed: boolean
}

/** What a new set changed. Key ids are `kid`s; `null` stands for a key without one. */
export interface KeySetChange {
  readonly added: readonly (string | null)[]
  readonly removed: readonly (string | null)[]
}

interface HeldKey {
  /** Equal for two keys exactly if they are interchangeable for every decision made. */
  readonly fingerprint: string
  readonly key: VerificationKey
}

const MS_PER_SECOND = 1_000
const NO_CHANGE: KeySetChange = { added: [], removed: [] }

export class KeyStore {
  readonly #sourceId: string
  #freshForMs = 0
  #deadAtAgeMs = 0
  readonly #generations: GenerationTable
  readonly #clock: Clock
  #held: readonly HeldKey[] = []
  #withoutPlace: readonly KeyWithoutPlace[] = []
  /** Of the set as it is now. */
  #place: KeyGeneration | null = null
  #state: KeySetState = 'empty'
  /** Monotonic instant at which the set was fetched; may lie before the start of the process. */
  #fetchedAtMs = 0
  /** The same by the wall clock, which issuers date their tokens by; 0 when it is not certain. */
  #askedAtSeconds = 0
  #confirmed = false

  constructor(options: KeyStoreOptions, generations: GenerationTable, clock: Clock) {
    this.#sourceId = options.sourceId
    this.ageBy(options)
    this.#generations = generations
    this.#clock = clock
  }

  /** From now on; `advance` makes the state what it says. A set that has died stays dead. */
  ageBy({ freshForMs, staleMaxAgeMs }: KeyStoreAges): void {
    this.#freshForMs = freshForMs
    this.#deadAtAgeMs = Math.max(freshForMs, staleMaxAgeMs)
  }

  get state(): KeySetState {
    return this.#state
  }

  /** A snapshot that can be handed to other threads. */
  keySet(): KeySet {
    return {
      sourceId: this.#sourceId,
      state: this.#state,
      keys: this.#held.map((held) => held.key),
      askedAtSeconds: this.#askedAtSeconds,
      withoutPlace: this.#withoutPlace,
      place: this.#place,
    }
  }

  /** Time since the set was fetched; `null` when there is none. */
  ageMs(): number | null {
    if (this.#state === 'empty') return null
    return Math.max(0, this.#clock.monotonicMs() - this.#fetchedAtMs)
  }

  /** Time until `advance` will change something; `null` when only a new set will. */
  untilChangeMs(): number | null {
    const ageMs = this.ageMs()
    if (ageMs === null || this.#state === 'dead') return null
    const nextMs = this.#state === 'fresh' ? this.#freshForMs : this.#deadAtAgeMs
    return Math.max(0, nextMs - ageMs)
  }

  /** Whether the set lists it, even if there is no place for the key. */
  hasKeyId(keyId: string): boolean {
    if (this.#held.some((held) => held.key.keyId === keyId)) return true
    return this.#withoutPlace.some((key) => key.keyId === keyId)
  }

  /**
   * Takes over a set. A key that was there before, with the same `kid`, the same public key and
   * the same algorithms, stays the same object, so that decisions made with it live on. Any other
   * key of the old set dies in every thread before this returns. A key that comes back after it
   * died gets a new generation: what it verified before stays dead. What was refused under all
   * keys of the old set is forgotten when any key has come or gone.
   */
  apply(parsed: readonly ParsedKey[], origin: KeySetOrigin): KeySetChange {
    const incoming = new Map(parsed.map((key) => [fingerprintOf(key), key]))
    const kept = this.#held.filter((held) => incoming.has(held.fingerprint))
    const removed = this.#held.filter((held) => !incoming.has(held.fingerprint))
    this.#kill(removed)

    const keptByFingerprint = new Map(kept.map((held) => [held.fingerprint, held]))
    const next: HeldKey[] = []
    const withoutPlace: KeyWithoutPlace[] = []
    const added: (string | null)[] = []
    for (const [fingerprint, key] of incoming) {
      const held = keptByFingerprint.get(fingerprint) ?? this.#create(fingerprint, key)
      if (held === null) {
        const { keyId, algorithms, issuer } = key
        withoutPlace.push({ keyId, algorithms, issuer })
        continue
      }
      if (!keptByFingerprint.has(fingerprint)) added.push(key.keyId)
      next.push(held)
    }
    const isSame = removed.length === 0 && added.length === 0
    const hasAllPlaces = withoutPlace.length === 0 && this.#withoutPlace.length === 0
    this.#held = next
    this.#withoutPlace = withoutPlace
    // After its keys, because a key needs a place more than the set does.
    if (!isSame || !hasAllPlaces) this.#renewPlace()
    this.#fetchedAtMs = this.#clock.monotonicMs() - origin.ageMs
    // The age of a copy is told by a clock that may have been set back since.
    this.#askedAtSeconds = origin.confirmed
      ? (this.#clock.wallMs() - origin.ageMs) / MS_PER_SECOND
      : 0
    this.#confirmed = origin.confirmed
    this.#state = next.length === 0 ? 'empty' : 'stale'
    this.advance()
    return { added, removed: removed.map((held) => held.key.keyId) }
  }

  /**
   * Moves the state to where the clock says it is. A set that dies takes its keys along.
   *
   * @returns The keys that died of age, or no change.
   */
  advance(): KeySetChange {
    const ageMs = this.ageMs()
    if (ageMs === null || this.#state === 'dead') return NO_CHANGE
    if (ageMs < this.#deadAtAgeMs) {
      this.#state = this.#confirmed && ageMs < this.#freshForMs ? 'fresh' : 'stale'
      return NO_CHANGE
    }
    this.#state = 'dead'
    return this.#dropAll()
  }

  /** The issuer is gone: its keys die, and give up their places. */
  withdraw(): void {
    this.#dropAll()
    this.#state = 'empty'
    if (this.#place !== null) this.#generations.kill(this.#place.slot)
    this.#place = null
  }

  #dropAll(): KeySetChange {
    const removed = this.#held
    this.#kill(removed)
    this.#held = []
    this.#withoutPlace = []
    this.#renewPlace()
    return { added: [], removed: removed.map((held) => held.key.keyId) }
  }

  #renewPlace(): void {
    this.#place =
      this.#place === null
        ? this.#generations.allocate()
        : this.#generations.renew(this.#place.slot)
  }

  #kill(held: readonly HeldKey[]): void {
    for (const { key } of held) {
      this.#generations.kill(key.generationSlot)
    }
  }

  #create(fingerprint: string, parsed: ParsedKey): HeldKey | null {
    const place = this.#generations.allocate()
    if (place === null) return null
    const key: VerificationKey = {
      id: nextVerificationKeyId(),
      keyId: parsed.keyId,
      algorithms: parsed.algorithms,
      issuer: parsed.issuer,
      material: { kind: 'public', spkiPem: parsed.spkiPem },
      generationSlot: place.slot,
      generation: place.generation,
    }
    return { fingerprint, key }
  }
}

function fingerprintOf(key: ParsedKey): string {
  // JSON keeps a missing `kid` apart from every string.
  return JSON.stringify([key.keyId, key.thumbprint, key.algorithms, key.issuer])
}
