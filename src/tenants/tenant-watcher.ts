/**
 * Follows the tenants in a store that others write to, at a cost that follows from what changes and
 * not from how many there are or how many instances watch.
 *
 *     waitForChange ──rings──► look ──names──► records ──► StoredTenants ──► onChange
 *          every few seconds ──►│
 *                               └─ version, length or log not as expected ──► reading, in pieces
 *          always, slowly: reading, in pieces ──────────► StoredTenants
 *
 * Everything but the waiting happens one after the other, so that what was read later is never
 * overwritten by what was read before. A reading that somebody's change has caused goes at a fixed
 * pace, a reading for the sake of writers who tell nothing takes all of the refresh interval: a
 * hundred instances must not ask for all tenants at the same time. While the store cannot be
 * reached, what was read last holds.
 */
import { Backoff } from '../resilience/backoff.ts'
import type { StoredTenants } from './stored-tenants.ts'
import {
  EVERYTHING,
  LOG_START,
  RECORDS_AT_ONCE,
  type TenantStore,
  type TenantStoreLook,
} from './tenant-store.ts'
import type { TenantsChange } from './tenants-change.ts'

/**
 * - `waiting`: not read yet.
 * - `known`: as the store has them.
 * - `unreachable`: as they were when the store was last reached.
 * - `lost`: the store lost too much at once; what it lost is kept for a time.
 * - `too_many`: there are more than fit; the others are known as the store has them.
 */
export const TENANTS_STATES = ['waiting', 'known', 'unreachable', 'lost', 'too_many'] as const

export type TenantsState = (typeof TENANTS_STATES)[number]

export interface TenantWatcherOptions {
  /** Between two looks, at most. */
  readonly lookIntervalMs: number
  /** A reading for writers who tell nothing takes about so long. */
  readonly refreshIntervalMs: number
  /** How long tenants are served that the store has lost. */
  readonly staleMaxMs: number
}

export interface TenantWatcherParts {
  readonly store: TenantStore
  readonly tenants: StoredTenants
  readonly monotonicMs: () => number
  /** A number in [0, 1), for jitter. */
  readonly random: () => number
  readonly onChange: (change: TenantsChange) => void
  /** At each change of it. */
  readonly onState: (state: TenantsState) => void
  /** So many that the store has lost are served no more. */
  readonly onGivenUp: (count: number) => void
}

/** Between two pieces that a change has caused: 2500 records in a second. */
const TOLD_PIECE_MS = 100
/** So many pieces of such a reading follow each other at once. */
const QUICK_PIECES = 4
/** Before the first reading has ended nothing can be served. */
const FIRST_PIECE_MS = 10
/** However many changes are announced, there is one look in so many milliseconds. */
const LOOK_GAP_MS = 100
/** Between two readings of a store that has lost what it had. */
const LOST_READING_MS = 10_000
const RETRY = { initialMs: 250, maxMs: 1_000 }

interface Reading {
  cursor: string
  pieces: number
  readonly isTold: boolean
  readonly isMeant: boolean
}

export class TenantWatcher {
  readonly #options: TenantWatcherOptions
  readonly #parts: TenantWatcherParts
  readonly #backoff: Backoff
  #isStopped = false
  #isReached: boolean | null = null
  #state: TenantsState = 'waiting'
  #cursor: string | null = null
  #version: string | null = null
  #length = 0
  /** Whether nothing at all was left of what belongs to the tenants. */
  #isWiped = false
  #reading: Reading | null = null
  /** A reading that has to follow the one under way. */
  #next: { readonly isMeant: boolean } | null = null
  #lostAtMs: number | null = null
  /** Whether it was lost too long ago. */
  #hasGivenUp = false
  #lookAtMs = Number.NEGATIVE_INFINITY
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #pieceAtMs = Number.POSITIVE_INFINITY
  #isRung = false
  #wake: () => void = () => {}
  #onFirst: (() => void) | null = null
  #onLook: () => void = () => {}

  constructor(options: TenantWatcherOptions, parts: TenantWatcherParts) {
    this.#options = options
    this.#parts = parts
    this.#backoff = new Backoff(RETRY, parts.random)
  }

  get state(): TenantsState {
    return this.#state
  }

  /** Goes on until {@link stop}. Settles after the first reading, or the first failure. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#onFirst = resolve
      void this.#run()
      void this.#listen()
    })
  }

  /** Reads everything, because what is known now says something else than it did. */
  readAgain(): void {
    this.#readAll(false)
    this.#wake()
  }

  stop(): void {
    this.#isStopped = true
    this.#wake()
    this.#onLook()
    this.#settleFirst()
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      // Nothing here rejects in the ordinary course: it is then as good as a store that is away.
      await this.#step().catch(() => this.#fail())
      if (this.#isStopped) return
      this.#tell()
      await this.#sleep(this.#nextStepMs())
    }
  }

  /** Tells of changes at once that the store's log announces. */
  async #listen(): Promise<void> {
    while (!this.#isStopped) {
      const isAsking = this.#cursor !== null && this.#isReached === true
      const rung = isAsking ? await this.#waitForChange(this.#cursor ?? '') : null
      if (this.#isStopped) return
      if (rung === null) await pause(this.#jittered(RETRY.maxMs))
      else if (rung) await this.#ring()
    }
  }

  #waitForChange(cursor: string): Promise<boolean | null> {
    return this.#parts.store.waitForChange(cursor).catch(() => null)
  }

  /** Settles after the look that follows, when the cursor is another one. */
  #ring(): Promise<void> {
    return new Promise((resolve) => {
      this.#onLook = resolve
      this.#isRung = true
      this.#wake()
    })
  }

  async #step(): Promise<void> {
    const nowMs = this.#parts.monotonicMs()
    if (nowMs >= this.#lookDueMs) {
      this.#isRung = false
      this.#lookedAtMs = nowMs
      const isReached = await this.#look()
      this.#onLook()
      if (!isReached) {
        this.#fail()
        return
      }
      this.#lookAtMs = this.#parts.monotonicMs() + this.#jittered(this.#options.lookIntervalMs)
    }
    if (nowMs >= this.#pieceAtMs && !(await this.#readPiece())) this.#fail()
    if (!this.#hasGivenUp && nowMs - (this.#lostAtMs ?? nowMs) >= this.#options.staleMaxMs) {
      this.#hasGivenUp = true
      this.#parts.onGivenUp(this.#parts.tenants.giveUpMissing())
    }
  }

  get #lookDueMs(): number {
    if (!this.#isRung || this.#isReached !== true) return this.#lookAtMs
    return Math.min(this.#lookAtMs, this.#lookedAtMs + LOOK_GAP_MS)
  }

  /** @returns Whether the store could be asked for everything. */
  async #look(): Promise<boolean> {
    const { store } = this.#parts
    const look = await store.look(this.#cursor)
    if (look === null) return false
    this.#expect(look)
    if (!(await this.#learnNamed(look.names))) return false
    this.#cursor = look.cursor
    this.#isReached = true
    this.#backoff.reset()
    return true
  }

  /** Compares with what there was, and reads everything where a writer did not say what changed. */
  #expect({ version, length, isSameLog, names, cursor }: TenantStoreLook): void {
    const isFirst = this.#cursor === null
    const isChanged = version !== this.#version || !isSameLog
    const wasMarked = this.#version !== null || !(isFirst || this.#cursor === LOG_START)
    if (wasMarked && version === null && cursor === LOG_START) this.#isWiped = true
    if (names.includes(EVERYTHING)) this.#readAll(true)
    // What is named is read, and the length is then taken anew.
    else if (isFirst || isChanged || (names.length === 0 && length !== this.#length)) {
      this.#readAll(false)
    }
    this.#version = version
    this.#length = length
  }

  async #learnNamed(named: readonly string[]): Promise<boolean> {
    const { store, tenants } = this.#parts
    const names = named.filter((name) => name !== EVERYTHING)
    for (let at = 0; at < names.length; at += RECORDS_AT_ONCE) {
      const part = names.slice(at, at + RECORDS_AT_ONCE)
      const records = await store.records(part)
      if (records === null) return false
      this.#length = records.length
      const removed = records.values.filter((value) => value === null).length
      // Everything has gone, not only what was named: not for an announcement to decide.
      const isEmptied = records.length === 0 && tenants.size > removed
      for (const [index, name] of part.entries()) {
        const value = records.values[index] ?? null
        if (value !== null || !isEmptied) tenants.learn(name, value)
      }
      // Or there is room now for one that was left out.
      if (isEmptied || (removed > 0 && tenants.leftOutCount > 0)) this.#readAll(false)
    }
    return true
  }

  /** Begins to read everything at the pace of a change; again, if that is under way already. */
  #readAll(isMeant: boolean): void {
    if (this.#reading?.isTold === true && this.#reading.pieces > 0) {
      this.#next = { isMeant: isMeant || this.#next?.isMeant === true }
    } else this.#begin(true, isMeant || this.#reading?.isMeant === true)
  }

  #begin(isTold: boolean, isMeant: boolean): void {
    this.#parts.tenants.beginReading()
    this.#reading = { cursor: '0', pieces: 0, isTold, isMeant }
    this.#pieceAtMs = isTold
      ? Number.NEGATIVE_INFINITY
      : this.#parts.monotonicMs() + this.#jittered(this.#backgroundPieceMs)
  }

  /** @returns Whether the store could be asked. */
  async #readPiece(): Promise<boolean> {
    const reading = this.#reading
    if (reading === null) return true
    const piece = await this.#parts.store.scan(reading.cursor)
    if (piece === null) {
      // It may be another server from now on, where this cursor means something else.
      this.#begin(reading.isTold, reading.isMeant)
      return false
    }
    if (piece === 'late') return false
    for (const [name, text] of piece.records) this.#parts.tenants.learn(name, text)
    reading.cursor = piece.cursor
    reading.pieces += 1
    if (piece.cursor === '0') this.#endReading(reading)
    else this.#pieceAtMs = this.#parts.monotonicMs() + this.#pieceDelayMs(reading)
    return true
  }

  #endReading(reading: Reading): void {
    const { tenants, monotonicMs } = this.#parts
    tenants.endReading(reading.isMeant, this.#isWiped)
    if (!tenants.isLost) {
      this.#isWiped = false
      this.#lostAtMs = null
      this.#hasGivenUp = false
    } else this.#lostAtMs ??= monotonicMs()
    if (this.#hasGivenUp) tenants.giveUpMissing()
    const next = this.#next
    this.#next = null
    this.#begin(next !== null, next?.isMeant === true)
    if (next === null && tenants.isLost) {
      const dueMs = monotonicMs() + this.#jittered(LOST_READING_MS)
      this.#pieceAtMs = Math.min(this.#pieceAtMs, dueMs)
    }
  }

  #pieceDelayMs({ isTold, pieces }: Reading): number {
    if (!isTold) return this.#jittered(this.#backgroundPieceMs)
    if (!this.#parts.tenants.hasBeenRead) return this.#jittered(FIRST_PIECE_MS)
    return pieces < QUICK_PIECES ? 0 : this.#jittered(TOLD_PIECE_MS)
  }

  /** So that all pieces take the refresh interval, but never more of a server than a change may. */
  get #backgroundPieceMs(): number {
    const pieces = Math.max(1, Math.ceil(this.#length / RECORDS_AT_ONCE))
    return Math.max(TOLD_PIECE_MS, this.#options.refreshIntervalMs / pieces)
  }

  #fail(): void {
    this.#isReached = false
    this.#lookAtMs = this.#parts.monotonicMs() + this.#backoff.nextDelayMs()
    this.#settleFirst()
  }

  #tell(): void {
    const { tenants, onChange, onState } = this.#parts
    const change = tenants.takeChange()
    if (change !== null) onChange(change)
    if (tenants.hasBeenRead) this.#settleFirst()
    const state = this.#currentState()
    if (state === this.#state) return
    this.#state = state
    onState(state)
  }

  #currentState(): TenantsState {
    const { tenants } = this.#parts
    if (this.#isReached === false) return 'unreachable'
    if (!tenants.hasBeenRead) return 'waiting'
    if (tenants.isLost) return 'lost'
    return tenants.leftOutCount > 0 ? 'too_many' : 'known'
  }

  #settleFirst(): void {
    this.#onFirst?.()
    this.#onFirst = null
  }

  #nextStepMs(): number {
    // Pieces wait until the store has answered a look again.
    const pieceAtMs = this.#isReached === true ? this.#pieceAtMs : Number.POSITIVE_INFINITY
    return Math.max(0, Math.min(this.#lookDueMs, pieceAtMs) - this.#parts.monotonicMs())
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Between half of it and all of it. */
  #jittered(ms: number): number {
    return ms * (0.5 + 0.5 * this.#parts.random())
  }
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs)
  })
}
