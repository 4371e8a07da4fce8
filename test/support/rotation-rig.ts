/**
 * A gateway fleet and its upstreams on a clock that a test moves: instances rotate their keys,
 * mint tokens and serve the JWK Set; upstreams cache that set for as long as they may, never ask
 * again for an unknown `kid`, and verify with jose.
 */
import assert from 'node:assert/strict'
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { InternalTokenMinter } from '../../src/identity/internal-token.ts'
import {
  openSigningKeys,
  type SigningKeys,
  type SigningKeysOptions,
  type SigningSnapshot,
} from '../../src/identity/signing-keys.ts'
import type { Verified } from '../../src/protocol/verification.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { randomHex } from '../../src/runtime/randomness.ts'
import { ManualClock } from './manual-clock.ts'
import { verdict } from './verdicts.ts'

export const TTL_SECONDS = 300
export const UPSTREAM_TOLERANCE_SECONDS = 30
const ISSUER = 'gateway.internal'
const AUDIENCE = 'internal-services'
/** Instances look at their timers, and threads hear of a new key, this late at the most. */
const STEP_MS_MAX = 10_000
const UPSTREAMS = 6

/** The true time, as a machine sees it whose clock is off. */
class SkewedClock implements Clock {
  readonly #truth: Clock
  readonly #skewMs: number

  constructor(truth: Clock, skewMs: number) {
    this.#truth = truth
    this.#skewMs = skewMs
  }

  nowSeconds(): number {
    return Math.floor(this.wallMs() / 1_000)
  }

  wallMs(): number {
    return this.#truth.wallMs() + this.#skewMs
  }

  monotonicMs(): number {
    return this.#truth.monotonicMs()
  }

  processMs(): number {
    return this.#truth.processMs()
  }
}

/** Numbers in [0, 1) that a seed decides, so that a failure can be repeated. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

async function openedKeys(options: SigningKeysOptions, clock: Clock): Promise<SigningKeys> {
  const parts = { clock, onSnapshot: () => {}, onEvent: () => {} }
  const opened = await openSigningKeys(options, parts)
  assert.ok(opened.ok, JSON.stringify(opened))
  return opened.signingKeys
}

class Instance {
  readonly clock: Clock
  readonly #keys: SigningKeys
  readonly #minter: InternalTokenMinter
  /** As the listener threads have it, which hear of a change a step later. */
  #heard: SigningSnapshot

  constructor(keys: SigningKeys, clock: Clock) {
    this.clock = clock
    this.#keys = keys
    this.#heard = keys.snapshot()
    const options = { issuer: ISSUER, audience: AUDIENCE, ttlSeconds: TTL_SECONDS, claims: [] }
    this.#minter = new InternalTokenMinter(options, this.#heard.signing, randomHex)
  }

  async step(): Promise<void> {
    this.#heard = structuredClone(this.#keys.snapshot())
    this.#minter.useSigner(this.#heard.signing)
    await this.#keys.tick()
  }

  mint(verified: Verified): string {
    return this.#minter.mint(verified, null, this.clock.nowSeconds())
  }

  jwks(): JSONWebKeySet {
    return JSON.parse(this.#heard.jwks) as JSONWebKeySet
  }

  get maxAgeMs(): number {
    return this.#heard.jwksMaxAgeSeconds * 1_000
  }
}

interface Upstream {
  fetchedAtMs: number
  keySet: ReturnType<typeof createLocalJWKSet>
}

interface Issued {
  readonly token: string
  /** By the clock of upstreams, with their tolerance. */
  readonly deadAtMs: number
}

export interface FleetReport {
  readonly verified: number
  /** Codes of jose, one for each token that an upstream refused. */
  readonly refused: readonly string[]
  /** How many different keys have signed. */
  readonly keysUsed: number
  readonly keysPublishedMax: number
}

export interface FleetOptions {
  readonly keys: SigningKeysOptions
  /** One instance for each, by so many milliseconds ahead of the true time. */
  readonly skewsMs: readonly number[]
  readonly durationMs: number
  readonly seed: number
  /** Called at each step with the time since the start; for what an operator does meanwhile. */
  readonly onStep?: (elapsedMs: number) => Promise<void>
}

export class Fleet {
  readonly #options: FleetOptions
  readonly #truth = new ManualClock(1_700_000_000_000)
  readonly #random: () => number
  readonly #instances: Instance[] = []
  readonly #upstreams: Upstream[] = []
  #live: Issued[] = []
  readonly #keyIds = new Set<string>()
  #verified = 0
  readonly #refused: string[] = []
  #keysPublishedMax = 0

  constructor(options: FleetOptions) {
    this.#options = options
    this.#random = seeded(options.seed)
  }

  async run(): Promise<FleetReport> {
    const { keys, skewsMs, durationMs, onStep } = this.#options
    for (const skewMs of skewsMs) {
      const clock = new SkewedClock(this.#truth, skewMs)
      this.#instances.push(new Instance(await openedKeys(keys, clock), clock))
    }
    for (let index = 0; index < UPSTREAMS; index += 1) {
      const keySet = createLocalJWKSet({ keys: [] })
      this.#upstreams.push({ fetchedAtMs: Number.NEGATIVE_INFINITY, keySet })
    }
    while (this.#truth.monotonicMs() < durationMs) {
      this.#truth.advanceMs(Math.ceil(this.#random() * STEP_MS_MAX))
      await onStep?.(this.#truth.monotonicMs())
      for (const instance of this.#instances) await instance.step()
      this.#issue()
      for (const upstream of this.#upstreams) this.#refresh(upstream)
      await this.#present()
    }
    return {
      verified: this.#verified,
      refused: this.#refused,
      keysUsed: this.#keyIds.size,
      keysPublishedMax: this.#keysPublishedMax,
    }
  }

  #issue(): void {
    for (const instance of this.#instances) {
      const nowSeconds = instance.clock.nowSeconds()
      const token = instance.mint(verdict({}, nowSeconds + 3_600))
      this.#keyIds.add(decodeProtectedHeader(token).kid ?? '')
      const deadAtSeconds = nowSeconds + TTL_SECONDS + UPSTREAM_TOLERANCE_SECONDS
      this.#live.push({ token, deadAtMs: deadAtSeconds * 1_000 })
    }
    this.#live = this.#live.filter(({ deadAtMs }) => this.#truth.wallMs() < deadAtMs)
  }

  /** Through any instance, as the balancer has it. Half of them keep a set to its very end. */
  #refresh(upstream: Upstream): void {
    const instance = this.#pick(this.#instances)
    const ageMs = this.#truth.monotonicMs() - upstream.fetchedAtMs
    if (ageMs <= instance.maxAgeMs && (upstream.fetchedAtMs % 2 === 0 || this.#random() > 0.01)) {
      return
    }
    const jwks = instance.jwks()
    this.#keysPublishedMax = Math.max(this.#keysPublishedMax, jwks.keys.length)
    upstream.fetchedAtMs = this.#truth.monotonicMs()
    upstream.keySet = createLocalJWKSet(jwks)
  }

  /** The oldest token, the newest of each instance, and one in between, to an upstream each. */
  async #present(): Promise<void> {
    const newest = this.#live.slice(-this.#instances.length)
    const [oldest] = this.#live
    const shown = [...newest, this.#pick(this.#live), ...(oldest === undefined ? [] : [oldest])]
    for (const { token } of shown) {
      for (const upstream of [this.#pick(this.#upstreams), this.#pick(this.#upstreams)]) {
        const problem = await this.#verify(token, upstream)
        if (problem === null) this.#verified += 1
        else this.#refused.push(problem)
      }
    }
  }

  async #verify(token: string, upstream: Upstream): Promise<string | null> {
    try {
      await jwtVerify(token, upstream.keySet, {
        issuer: ISSUER,
        audience: AUDIENCE,
        typ: 'at+jwt',
        clockTolerance: UPSTREAM_TOLERANCE_SECONDS,
        currentDate: new Date(this.#truth.wallMs()),
      })
      return null
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : String(error)
    }
  }

  #pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.#random() * items.length)]
    assert.ok(item !== undefined)
    return item
  }
}
