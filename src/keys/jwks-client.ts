/**
 * Owns the keys of one issuer: fetches, refreshes, ages and withdraws them. Lives in the
 * supervisor; listeners see its key sets and ask it about tokens that these do not settle, but
 * never wait for a scheduled refresh.
 *
 * There is one fetch in flight at most, whatever asks for it. A well-formed document is the truth:
 * keys it no longer lists die at once, even if that leaves none. Anything else is a failure, and
 * the old set serves on until it is too old.
 */
import type { JwsAlgorithm } from '../protocol/jws-algorithms.ts'
import { type ParsedJwks, parseJwks } from '../protocol/parse-jwks.ts'
import { Backoff, type BackoffOptions } from '../resilience/backoff.ts'
import { withinDeadline } from '../resilience/deadline.ts'
import type { Clock } from '../runtime/clock.ts'
import type { DiskCache, DiskCopy } from './disk-cache.ts'
import type { GenerationTable } from './generation-table.ts'
import type {
  JwksEvent,
  JwksEventReason,
  JwksEventType,
  JwksFailure,
  JwksStatus,
} from './jwks-event.ts'
import type { FailedFetch, JwksSource } from './jwks-source.ts'
import { KeyOutage } from './key-outage.ts'
import type { KeySet, UnknownKeyOutcome } from './key-set.ts'
import { KeySetNews } from './key-set-news.ts'
import { type KeySetChange, KeyStore } from './key-store.ts'
import { RefetchBudget } from './refetch-budget.ts'
import { type JwksTimings, RefreshSchedule, TIMER_MS_MAX } from './refresh-schedule.ts'
import type { UnknownKeyAnswer } from './unknown-key-answer.ts'
import { UnknownKeyMemo } from './unknown-key-memo.ts'

export interface JwksClientOptions extends JwksTimings {
  /** Name of the issuer in the configuration. */
  readonly issuerName: string
  /** What its key sets are found under. */
  readonly sourceId: string
  /** Asymmetric algorithms accepted from this issuer. */
  readonly algorithms: readonly JwsAlgorithm[]
  /** Between attempts while refreshes fail. Never longer than `refreshIntervalMs`. */
  readonly retry: BackoffOptions
}

export interface JwksClientParts {
  readonly source: JwksSource
  readonly diskCache: DiskCache | null
  readonly generations: GenerationTable
  readonly clock: Clock
  /** A number in [0, 1), for jitter. */
  readonly random: () => number
  /**
   * Called with every new set and every change of its state, and after each successful refresh
   * even if nothing changed: that, too, ends what threads remember about unknown `kid`s.
   */
  readonly onKeySet: (keySet: KeySet) => void
  readonly onEvent: (event: JwksEvent) => void
}

/** The usual backoff: quick at the start of the process, gentle with a provider that is down. */
export const JWKS_RETRY: BackoffOptions = { initialMs: 250, maxMs: 10_000 }

/** A copy that claims to be from the future by more than this says nothing about its age. */
const CLOCK_STEP_MS_MAX = 300_000

export class JwksClient {
  readonly #options: Omit<JwksClientOptions, keyof JwksTimings>
  readonly #parts: JwksClientParts
  readonly #store: KeyStore
  readonly #backoff: Backoff
  readonly #outage = new KeyOutage()
  readonly #unknown = new UnknownKeyMemo()
  readonly #budget: RefetchBudget
  #timings: JwksTimings
  #diskCache: DiskCache | null
  readonly #schedule: RefreshSchedule
  readonly #news = new KeySetNews((type, reason, keyId) => this.#tell(type, reason, keyId))
  #flight: Promise<void> | null = null
  #stateTimer: NodeJS.Timeout | null = null
  #stopped = false
  #hasHadKeys = false
  #staleAnnounced = false
  #diskWriteFailed = false
  #lastFailure: JwksFailure | null = null
  #consecutiveFailures = 0
  #refreshesSucceeded = 0
  #refreshesFailed = 0
  #unknownKeyRefreshes = 0

  constructor(options: JwksClientOptions, parts: JwksClientParts) {
    const { sourceId, cacheTtlMs, staleMaxAgeMs } = options
    this.#options = options
    this.#parts = parts
    this.#timings = options
    this.#diskCache = parts.diskCache
    this.#store = new KeyStore(
      { sourceId, freshForMs: cacheTtlMs, staleMaxAgeMs },
      parts.generations,
      parts.clock,
    )
    this.#backoff = new Backoff(options.retry, parts.random)
    this.#budget = new RefetchBudget(options.unknownKidCooldownMs)
    this.#schedule = new RefreshSchedule({
      clock: parts.clock,
      random: parts.random,
      // Every outcome is handled, so there is nothing to wait for.
      onDue: () => void this.#refresh(),
    })
  }

  /**
   * Takes the copy from disk, if there is one, then fetches, then keeps the set fresh by itself.
   *
   * @returns Settles after the first fetch, successful or not; never rejects. Need not be awaited.
   */
  async start(): Promise<void> {
    await this.#loadDiskCopy()
    await this.#refresh()
  }

  /**
   * Goes on with other times, and another place for copies, without a fetch: the keys that are
   * known stay, unless they are older than keys may be from now on.
   */
  adopt(timings: JwksTimings, diskCache: DiskCache | null): void {
    this.#timings = timings
    this.#diskCache = diskCache
    const { cacheTtlMs: freshForMs, staleMaxAgeMs, unknownKidCooldownMs } = timings
    this.#store.ageBy({ freshForMs, staleMaxAgeMs })
    this.#budget.useCooldown(unknownKidCooldownMs)
    this.#advance()
    const { untilNextMs } = this.#schedule
    // A fetch that is under way, or has yet to begin, is followed by the next one.
    if (this.#flight !== null || untilNextMs === null) return
    if (this.#lastFailure !== null) this.#schedule.afterFailure(timings, untilNextMs)
    else this.#schedule.afterSuccess(timings, this.#store.ageMs() ?? 0)
  }

  /** Ends all timers. What is in flight is dropped when it arrives. Keys live on in the threads. */
  stop(): void {
    this.#stopped = true
    this.#clearTimers()
  }

  /** Ends everything, the keys in all threads included. */
  withdraw(): void {
    this.stop()
    this.#store.withdraw()
  }

  keySet(): KeySet {
    return this.#store.keySet()
  }

  status(): JwksStatus {
    const ageMs = this.#store.ageMs()
    return {
      issuerName: this.#options.issuerName,
      state: this.#store.state,
      keyCount: this.#store.keySet().keys.length,
      skipped: this.#news.skipped,
      withoutPlace: this.#news.withoutPlace,
      ageSeconds: ageMs === null ? null : Math.floor(ageMs / 1_000),
      hasHadKeys: this.#hasHadKeys,
      lastFailure: this.#lastFailure,
      consecutiveFailures: this.#consecutiveFailures,
      refreshesSucceeded: this.#refreshesSucceeded,
      refreshesFailed: this.#refreshesFailed,
      unknownKeyRefreshes: this.#unknownKeyRefreshes,
      nextRefreshInMs: this.#schedule.untilNextMs,
    }
  }

  /**
   * Finds out about a `kid` that the asking thread does not know, or (`null`) whether the keys that
   * failed to verify a signature are still those of the issuer: with one fetch that begins after
   * the question, shared by all who ask meanwhile, as long as the budget lasts. Never rejects;
   * takes two fetches at the longest, when one that began before the question is under way.
   */
  async resolveUnknownKey(keyId: string | null): Promise<UnknownKeyAnswer> {
    if (this.#flight !== null) await this.#flight
    if (this.#lists(keyId)) return this.#answer('refreshed', keyId, false)
    if (this.#isKnownUnknown(keyId)) return this.#answer('unknown', keyId, false)
    // A fetch that is under way now began after the question.
    const fetching = this.#flight ?? this.#fetchForToken()
    if (fetching === null) return this.#answer('unavailable', keyId, false)
    await fetching
    if (this.#lastFailure !== null || this.#stopped) return this.#answer('unavailable', keyId, true)
    if (keyId === null || this.#lists(keyId)) return this.#answer('refreshed', keyId, true)
    this.#unknown.remember(keyId, this.#nowMs() + this.#timings.unknownKidCooldownMs)
    return this.#answer('unknown', keyId, true)
  }

  #lists(keyId: string | null): boolean {
    return keyId !== null && this.#store.hasKeyId(keyId)
  }

  #isKnownUnknown(keyId: string | null): boolean {
    return keyId !== null && this.#unknown.remainingMs(keyId, this.#nowMs()) > 0
  }

  /** `null` when the budget is used up. */
  #fetchForToken(): Promise<void> | null {
    if (this.#stopped || !this.#budget.spend(this.#nowMs())) return null
    this.#unknownKeyRefreshes += 1
    return this.#refresh()
  }

  #answer(
    outcome: UnknownKeyOutcome,
    keyId: string | null,
    wasFetching: boolean,
  ): UnknownKeyAnswer {
    const nowMs = this.#nowMs()
    const isFailing = this.#lastFailure !== null || this.#stopped
    if (isFailing && outcome !== 'refreshed') this.#want()
    return {
      // While the provider fails, a key that we lack may well be one that it has published.
      outcome: isFailing && outcome === 'unknown' ? 'unavailable' : outcome,
      isFetched: wasFetching && !isFailing,
      isFailing,
      quietForMs: this.#budget.untilNextMs(nowMs),
      keyQuietForMs: keyId === null ? 0 : this.#unknown.remainingMs(keyId, nowMs),
    }
  }

  /** From now on until there are keys, attempts are seconds apart at most. */
  #want(): void {
    if (this.#outage.want(this.#nowMs()) && this.#flight === null) this.#scheduleNext()
  }

  #refresh(): Promise<void> {
    this.#flight ??= this.#fetchAndApply().finally(() => {
      this.#flight = null
    })
    return this.#flight
  }

  async #fetchAndApply(): Promise<void> {
    if (this.#stopped) return
    const askedAtMs = this.#nowMs()
    const fetched = await this.#parts.source.fetchDocument(this.#timings.timeoutMs)
    if (this.#stopped) return
    const parsed = fetched.ok ? parseJwks(fetched.document, this.#options.algorithms) : fetched
    if (parsed.ok && fetched.ok) {
      this.#accept(parsed, this.#nowMs() - askedAtMs)
      this.#saveToDisk(fetched.document)
    } else if (!parsed.ok) {
      this.#fail(parsed.reason, fetched.ok ? null : fetched)
    }
    this.#advance()
    this.#scheduleNext()
  }

  #accept(parsed: ParsedJwks & { readonly ok: true }, ageMs: number): void {
    const hadFailed = this.#consecutiveFailures > 0
    const change = this.#store.apply(parsed.keys, { ageMs, confirmed: true })
    const nowMs = this.#nowMs()
    const isListed = (keyId: string) => this.#store.hasKeyId(keyId)
    const unknownUntilMs = nowMs + this.#timings.unknownKidCooldownMs
    this.#unknown.recheck(isListed, nowMs, unknownUntilMs)
    // What was just withdrawn is known to be unknown, without a question.
    for (const keyId of change.removed) {
      if (keyId !== null && !isListed(keyId)) this.#unknown.remember(keyId, unknownUntilMs)
    }
    this.#staleAnnounced = false
    this.#tellChange(change)
    this.#news.tellSkipped(parsed.skipped)
    if (this.#store.keySet().keys.length === 0) {
      // The old keys are gone, as the document says; but a provider without any key is broken.
      this.#parts.onKeySet(this.#store.keySet())
      this.#fail('no_usable_keys', null)
      return
    }
    this.#hasHadKeys = true
    this.#outage.end()
    this.#lastFailure = null
    this.#consecutiveFailures = 0
    this.#refreshesSucceeded += 1
    this.#backoff.reset()
    this.#parts.onKeySet(this.#store.keySet())
    if (hadFailed) this.#tell('jwks_refresh_recovered', null)
  }

  #fail(reason: JwksFailure, fetched: FailedFetch | null): void {
    this.#lastFailure = reason
    this.#consecutiveFailures += 1
    this.#refreshesFailed += 1
    if (this.#outage.fail(this.#nowMs())) this.#tell('jwks_refresh_failed', reason, null, fetched)
  }

  /** Moves the state on with time, tells who has to know, and comes back for the next change. */
  #advance(): void {
    const before = this.#store.state
    const change = this.#store.advance()
    const state = this.#store.state
    if (state !== before) this.#parts.onKeySet(this.#store.keySet())
    this.#tellChange(change)
    if (state === 'dead' && before !== 'dead') this.#tell('keys_expired', this.#lastFailure)
    // Again, when a longer time made it so.
    if (state === 'fresh') this.#staleAnnounced = false
    if (state === 'stale' && !this.#staleAnnounced) {
      this.#staleAnnounced = true
      this.#tell('stale_keys_in_use', this.#lastFailure)
    }
    this.#armStateTimer()
  }

  #armStateTimer(): void {
    if (this.#stateTimer !== null) clearTimeout(this.#stateTimer)
    this.#stateTimer = null
    const untilMs = this.#store.untilChangeMs()
    if (untilMs === null || this.#stopped) return
    // Rounded up: a timer that fires a fraction early would find nothing changed and spin.
    const delayMs = Math.min(TIMER_MS_MAX, Math.ceil(untilMs) + 1)
    this.#stateTimer = setTimeout(() => this.#advance(), delayMs)
  }

  #scheduleNext(): void {
    if (this.#stopped) return
    if (this.#lastFailure === null) this.#schedule.afterSuccess(this.#timings, 0)
    else this.#schedule.afterFailure(this.#timings, this.#retryDelayMs())
  }

  /** While the keys still serve, no request waits for a refresh, so each retry may be later. */
  #retryDelayMs(): number {
    const { state } = this.#store
    const delayMs = this.#backoff.nextDelayMs()
    const isUrgent = this.#outage.isWanted || state === 'empty' || state === 'dead'
    if (!isUrgent) return delayMs
    return Math.min(delayMs, this.#outage.urgentDelayMs(this.#nowMs(), this.#parts.random()))
  }

  #clearTimers(): void {
    this.#schedule.cancel()
    if (this.#stateTimer !== null) clearTimeout(this.#stateTimer)
    this.#stateTimer = null
  }

  async #loadDiskCopy(): Promise<void> {
    const { clock } = this.#parts
    const diskCache = this.#diskCache
    if (diskCache === null) return
    const unreadable: DiskCopy = { ok: false, reason: 'unreadable' }
    const copy = await withinDeadline(diskCache.load(), this.#timings.timeoutMs, unreadable)
    // A question about an unknown `kid` may have brought a newer set meanwhile.
    if (this.#stopped || this.#store.state !== 'empty' || this.#refreshesSucceeded > 0) return
    if (!copy.ok) {
      if (copy.reason !== 'absent') this.#tell('disk_cache_failed', copy.reason)
      return
    }
    const ageMs = clock.wallMs() - copy.savedAtMs
    const { staleMaxAgeMs, cacheTtlMs } = this.#timings
    if (!(ageMs >= -CLOCK_STEP_MS_MAX && ageMs < Math.max(staleMaxAgeMs, cacheTtlMs))) {
      this.#tell('disk_cache_failed', 'too_old')
      return
    }
    const parsed = parseJwks(copy.document, this.#options.algorithms)
    if (!parsed.ok) {
      this.#tell('disk_cache_failed', 'corrupt')
      return
    }
    const change = this.#store.apply(parsed.keys, { ageMs: Math.max(0, ageMs), confirmed: false })
    this.#hasHadKeys = this.#store.state !== 'empty'
    this.#tellChange(change)
    this.#news.tellSkipped(parsed.skipped)
    this.#parts.onKeySet(this.#store.keySet())
    this.#armStateTimer()
  }

  /** In the background: keys are in use before they are on disk, and even if they never are. */
  #saveToDisk(document: Uint8Array): void {
    if (this.#diskCache === null) return
    void this.#diskCache.save(document, this.#parts.clock.wallMs()).then((saved) => {
      // Once per outage of the disk, not once per refresh.
      if (!saved && !this.#diskWriteFailed) this.#tell('disk_cache_failed', 'unwritable')
      this.#diskWriteFailed = !saved
    })
  }

  #tellChange(change: KeySetChange): void {
    this.#news.tellChange(change, this.#store.keySet().withoutPlace)
  }

  #tell(
    type: JwksEventType,
    reason: JwksEventReason | null,
    keyId: string | null = null,
    fetched: FailedFetch | null = null,
  ): void {
    const { issuerName } = this.#options
    const { status = null, cause = null } = fetched ?? {}
    this.#parts.onEvent({ type, issuerName, reason, keyId, status, cause })
  }

  #nowMs(): number {
    return this.#parts.clock.monotonicMs()
  }
}
