/**
 * A listener thread's view of all key sets: looked up without waiting, replaced whole by messages
 * from the supervisor, and sparing the supervisor most questions about unknown `kid`s.
 */
import { withinDeadline } from '../resilience/deadline.ts'
import { SingleFlight } from '../resilience/single-flight.ts'
import type { Clock } from '../runtime/clock.ts'
import { emptyKeySet, type KeySet, type KeySource, type UnknownKeyOutcome } from './key-set.ts'
import type { UnknownKeyAnswer } from './unknown-key-answer.ts'
import { UnknownKeyMemo } from './unknown-key-memo.ts'

/**
 * Asks the owner of the keys. A set that it fetches because of the question must be handed to
 * `update` before the answer arrives: one message channel for both does that.
 */
export type AskAboutKey = (sourceId: string, keyId: string | null) => Promise<UnknownKeyAnswer>

export interface KeyRingOptions {
  /** Sets known at the start, those of shared secrets included. */
  readonly keySets: readonly KeySet[]
  /** How long a question may take: the JWKS timeout. Longer is `unavailable`. */
  readonly askTimeoutMs: number
}

/** Sources with a question in flight. */
const SOURCES_ASKING_MAX = 1_024
/** Requests that wait for one source's answer; as many as may wait for verification. */
const WAITERS_PER_SOURCE_MAX = 8_192
/**
 * Questions that one request may wait for: one that another `kid` caused, and its own. If a
 * request is still not served then, the provider is in trouble.
 */
const ROUNDS_MAX = 3

/** What is remembered about one source until its next set arrives. */
interface Cooldown {
  /** Until then no fetch can be had. */
  untilMs: number
  isFailing: boolean
  readonly keyIds: UnknownKeyMemo
}

interface AnsweredQuestion {
  readonly keyId: string | null
  /** Order in which questions were asked. */
  readonly number: number
  readonly answer: UnknownKeyAnswer
}

/** What is known when no answer comes. */
export const NO_ANSWER: UnknownKeyAnswer = {
  outcome: 'unavailable',
  isFetched: false,
  isFailing: true,
  quietForMs: 0,
  keyQuietForMs: 0,
}

export class KeyRing implements KeySource {
  readonly #keySets = new Map<string, KeySet>()
  readonly #cooldowns = new Map<string, Cooldown>()
  readonly #questions = new SingleFlight<AnsweredQuestion>({
    keysMax: SOURCES_ASKING_MAX,
    waitersPerKeyMax: WAITERS_PER_SOURCE_MAX,
  })
  #askTimeoutMs: number
  readonly #ask: AskAboutKey
  readonly #clock: Clock
  #questionCount = 0

  constructor(options: KeyRingOptions, ask: AskAboutKey, clock: Clock) {
    this.#askTimeoutMs = options.askTimeoutMs
    this.#ask = ask
    this.#clock = clock
    for (const keySet of options.keySets) {
      this.#keySets.set(keySet.sourceId, keySet)
    }
  }

  /** How long a question may take. */
  get askTimeoutMs(): number {
    return this.#askTimeoutMs
  }

  askWithin(timeoutMs: number): void {
    this.#askTimeoutMs = timeoutMs
  }

  /** Forgets every source but these. */
  keepOnly(sourceIds: readonly string[]): void {
    for (const id of this.#keySets.keys()) {
      if (sourceIds.includes(id)) continue
      this.#keySets.delete(id)
      this.#cooldowns.delete(id)
    }
  }

  /** Takes over a set. From now on every unknown `kid` of its source is worth a question again. */
  update(keySet: KeySet): void {
    this.#keySets.set(keySet.sourceId, keySet)
    this.#cooldowns.delete(keySet.sourceId)
  }

  /** Hot path: one look-up. A source that has not been announced yet has an empty set. */
  keySet(sourceId: string): KeySet {
    return this.#keySets.get(sourceId) ?? emptyKeySet(sourceId)
  }

  /**
   * One question at a time for each source, whatever it is about: a fetch that it causes settles
   * every other that was waiting by then. Never rejects.
   */
  async resolveUnknownKey(sourceId: string, keyId: string | null): Promise<UnknownKeyOutcome> {
    const asked = this.#questionCount
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const known = this.#knownOutcome(sourceId, keyId)
      if (known !== null) return known
      const question = this.#questions.run(sourceId, () => this.#question(sourceId, keyId))
      if (question === null) return 'unavailable'
      const answered = await question
      if (answered.keyId === keyId && answered.number >= asked) return answered.answer.outcome
      if (answered.answer.isFailing) return 'unavailable'
      if (answered.answer.isFetched && answered.number >= asked) {
        return this.#settled(sourceId, keyId)
      }
    }
    return 'unavailable'
  }

  async #question(sourceId: string, keyId: string | null): Promise<AnsweredQuestion> {
    const number = this.#questionCount
    this.#questionCount += 1
    const asked = this.#ask(sourceId, keyId)
    const answer = await withinDeadline(asked, this.#askTimeoutMs, NO_ANSWER)
    this.#remember(sourceId, keyId, answer)
    return { keyId, number, answer }
  }

  #remember(sourceId: string, keyId: string | null, answer: UnknownKeyAnswer): void {
    const nowMs = this.#clock.monotonicMs()
    const quiet = this.#cooldowns.get(sourceId) ?? newCooldown()
    quiet.isFailing = answer.isFailing
    quiet.untilMs = nowMs + answer.quietForMs
    if (keyId !== null && answer.keyQuietForMs > 0) {
      quiet.keyIds.remember(keyId, nowMs + answer.keyQuietForMs)
    }
    this.#cooldowns.set(sourceId, quiet)
  }

  /** What a fetch says that began after this question, though another one caused it. */
  #settled(sourceId: string, keyId: string | null): UnknownKeyOutcome {
    return keyId === null || this.#lists(sourceId, keyId) ? 'refreshed' : 'unknown'
  }

  /** What can be said without asking; `null` when nothing can. */
  #knownOutcome(sourceId: string, keyId: string | null): UnknownKeyOutcome | null {
    if (keyId !== null && this.#lists(sourceId, keyId)) return 'refreshed'
    const quiet = this.#cooldowns.get(sourceId)
    if (quiet === undefined) return null
    const nowMs = this.#clock.monotonicMs()
    const isKnown = keyId !== null && quiet.keyIds.remainingMs(keyId, nowMs) > 0
    if (!isKnown && nowMs >= quiet.untilMs) return null
    // While the provider fails, what we lack may well be published.
    return isKnown && !quiet.isFailing ? 'unknown' : 'unavailable'
  }

  #lists(sourceId: string, keyId: string): boolean {
    const { keys, withoutPlace } = this.keySet(sourceId)
    const isIt = (key: { readonly keyId: string | null }): boolean => key.keyId === keyId
    return keys.some(isIt) || withoutPlace.some(isIt)
  }
}

function newCooldown(): Cooldown {
  return { untilMs: 0, isFailing: false, keyIds: new UnknownKeyMemo() }
}
