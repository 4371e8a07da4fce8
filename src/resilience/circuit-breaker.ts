/**
 * Keeps attempts away from an endpoint that fails: one breaker an endpoint, shared by all threads
 * of the process, so that its numbers are exact whatever the number of threads.
 *
 *     closed ──failureThreshold failures in a row──► open ──recoveryTimeoutMs──► half-open
 *        ▲                                            ▲                             │
 *        │                                            └──────── one failure ────────┤
 *        └───────────────────── halfOpenRequests successes ─────────────────────────┘
 *
 * A breaker is 16 bytes. All that decides is one 64-bit word, so that every step is one
 * compare-and-swap and no thread ever sees half of one:
 *
 *     63          32 31   30 29        16 15           8 7          0
 *     | instant ms   | phase | epoch      | in flight    | count    |   word 0
 *     | how often it opened                                         |   word 1, a counter
 *
 *     instant    when it opened; in half-open, when the latest probe was let through
 *     epoch      goes up with every change of phase
 *     in flight  signed: probes without a verdict, less one for each that ended without any
 *     count      closed: failures in a row; half-open: probes that succeeded
 *
 * A probe that was answered without a verdict (what was asked is at fault) makes room for two: who
 * answers is alive, and those who send what cannot be answered must not be the only ones to probe.
 *
 * A permit is the epoch in which it was given. A verdict of another epoch is dropped: an attempt
 * that began before the breaker opened says nothing about the endpoint now.
 *
 * Threads agree on the wall clock only, so the instant is that, modulo 2^32 ms. Differences are
 * taken as signed 32 bits. Clocks of threads may differ by a little, which reads as "no time has
 * passed"; a negative difference beyond the wait itself means that the clock was set back, or that
 * the breaker was not asked for 25 days, and ends the wait. So no clock keeps a breaker open for
 * longer than twice the wait, counted from the next time that it is asked.
 */

export interface CircuitBreakerOptions {
  /** Failures in a row that open it. 1 to {@link COUNT_MAX}. */
  readonly failureThreshold: number
  /** From opening to the first probe. 1 to {@link WAIT_MS_MAX}. */
  readonly recoveryTimeoutMs: number
  /**
   * Successful probes that close it, and the most that are in flight at a time, but for those that
   * take the place of probes without a verdict. 1 to {@link PROBES_MAX}.
   */
  readonly halfOpenRequests: number
  /**
   * Probes without a verdict are given up for lost, their thread having died, when this long no
   * probe was let through. Longer than any attempt takes. 1 to {@link WAIT_MS_MAX}.
   */
  readonly probeExpiryMs: number
}

export const CIRCUIT_STATES = ['closed', 'open', 'half_open'] as const

export type CircuitState = (typeof CIRCUIT_STATES)[number]

declare const permitBrand: unique symbol

/** Leave for one attempt. Ends with exactly one of `succeeded`, `failed` and `released`. */
export type BreakerPermit = number & { readonly [permitBrand]: true }

/** One wait of an open breaker. */
export interface Opening {
  readonly permit: BreakerPermit
  /** Since it opened. */
  readonly elapsedMs: number
}

/** Largest threshold that the word has room for. */
export const COUNT_MAX = 0xff
/** Most probes that it has room for. */
export const PROBES_MAX = 0x7f
/** Room for so many more, at the most. */
const IN_FLIGHT_MIN = -0x80
/** Ten days: half of what a signed difference of milliseconds can tell, less a margin. */
export const WAIT_MS_MAX = 864_000_000

const WORDS_PER_BREAKER = 2
const CLOSED = 0
const OPEN = 1
const HALF_OPEN = 2
const EPOCH_MASK = 0x3fff

/** The decoded word. */
interface Circuit {
  readonly phase: number
  readonly epoch: number
  readonly inFlight: number
  readonly count: number
  /** Wall clock modulo 2^32, as signed 32 bits. */
  readonly instantMs: number
}

/** Room for this many breakers, all closed; made once and handed to every thread. */
export function createCircuitBreakerBuffer(count: number): SharedArrayBuffer {
  return new SharedArrayBuffer(count * WORDS_PER_BREAKER * BigUint64Array.BYTES_PER_ELEMENT)
}

/** One thread's view of one breaker. Threads that share one must be given the same options. */
export class CircuitBreaker {
  readonly #words: BigUint64Array
  readonly #options: CircuitBreakerOptions

  /**
   * @param index Which breaker of the buffer.
   * @throws RangeError when the buffer has no such breaker or an option is out of its range.
   */
  constructor(buffer: SharedArrayBuffer, index: number, options: CircuitBreakerOptions) {
    checkRange('failureThreshold', options.failureThreshold, COUNT_MAX)
    checkRange('recoveryTimeoutMs', options.recoveryTimeoutMs, WAIT_MS_MAX)
    checkRange('halfOpenRequests', options.halfOpenRequests, PROBES_MAX)
    checkRange('probeExpiryMs', options.probeExpiryMs, WAIT_MS_MAX)
    const wordBytes = BigUint64Array.BYTES_PER_ELEMENT
    this.#words = new BigUint64Array(buffer, index * WORDS_PER_BREAKER * wordBytes, 2)
    this.#options = options
  }

  /** How often it has opened, by all threads together, reopening after a failed probe included. */
  get openedCount(): number {
    return Number(Atomics.load(this.#words, 1))
  }

  /** An open breaker whose wait is over reads as half-open: its next attempt is a probe. */
  state(nowMs: number): CircuitState {
    const circuit = this.#load()
    if (circuit.phase === CLOSED) return 'closed'
    if (circuit.phase === HALF_OPEN) return 'half_open'
    return hasPassed(circuit.instantMs, this.#options.recoveryTimeoutMs, nowMs)
      ? 'half_open'
      : 'open'
  }

  /**
   * Asks for leave to make one attempt now. Never waits.
   *
   * Half-open, no more probes are in flight than successes are still needed, so exactly
   * `halfOpenRequests` probes reach an endpoint that has recovered before everybody does. Each
   * probe that was released lets one more through.
   *
   * @param nowMs Wall clock.
   * @returns `null` while open, and while enough probes are in flight.
   */
  tryAcquire(nowMs: number): BreakerPermit | null {
    for (;;) {
      const word = Atomics.load(this.#words, 0)
      const circuit = decode(word)
      if (circuit.phase === CLOSED) return circuit.epoch as BreakerPermit
      const next = this.#withProbe(circuit, nowMs)
      if (next === null) return null
      if (this.#swap(word, next)) return next.epoch as BreakerPermit
    }
  }

  /**
   * @param nowMs Wall clock.
   * @returns `null` unless open, its wait not being over.
   */
  opening(nowMs: number): Opening | null {
    const { phase, epoch, instantMs } = this.#load()
    if (phase !== OPEN || hasPassed(instantMs, this.#options.recoveryTimeoutMs, nowMs)) return null
    return { permit: epoch as BreakerPermit, elapsedMs: (Math.trunc(nowMs) - instantMs) | 0 }
  }

  /**
   * Ends the wait before it is over: for who found out otherwise that the endpoint answers.
   *
   * @param closes Or else the next attempts are probes.
   * @returns `false` where that opening is over already.
   */
  endEarly(permit: BreakerPermit, closes: boolean, nowMs: number): boolean {
    const word = Atomics.load(this.#words, 0)
    const circuit = decode(word)
    if (circuit.epoch !== permit || circuit.phase !== OPEN) return false
    return this.#swap(word, changed(circuit, closes ? CLOSED : HALF_OPEN, nowMs))
  }

  /** @returns Whether this verdict closed the breaker. */
  succeeded(permit: BreakerPermit): boolean {
    for (;;) {
      const word = Atomics.load(this.#words, 0)
      const circuit = decode(word)
      if (circuit.epoch !== permit || circuit.phase === OPEN) return false
      const next = this.#afterSuccess(circuit)
      // In good times, which is nearly always, there is nothing to write.
      if (next === null) return false
      if (this.#swap(word, next)) return next.phase !== circuit.phase
    }
  }

  /**
   * @param nowMs Wall clock.
   * @returns Whether this verdict opened the breaker.
   */
  failed(permit: BreakerPermit, nowMs: number): boolean {
    for (;;) {
      const word = Atomics.load(this.#words, 0)
      const circuit = decode(word)
      if (circuit.epoch !== permit || circuit.phase === OPEN) return false
      const count = circuit.count + 1
      const opens = circuit.phase === HALF_OPEN || count >= this.#options.failureThreshold
      const next = opens ? changed(circuit, OPEN, nowMs) : { ...circuit, count }
      if (!this.#swap(word, next)) continue
      if (opens) Atomics.add(this.#words, 1, 1n)
      return opens
    }
  }

  /** The answer says nothing about the endpoint but that it is there. Two take its place. */
  released(permit: BreakerPermit): void {
    for (;;) {
      const word = Atomics.load(this.#words, 0)
      const circuit = decode(word)
      const isProbe = circuit.epoch === permit && circuit.phase === HALF_OPEN
      if (!isProbe) return
      const inFlight = Math.max(IN_FLIGHT_MIN, circuit.inFlight - 2)
      if (this.#swap(word, { ...circuit, inFlight })) return
    }
  }

  /** The circuit with one more probe in flight; `null` when there is no room for one. */
  #withProbe(circuit: Circuit, nowMs: number): Circuit | null {
    const { recoveryTimeoutMs, halfOpenRequests, probeExpiryMs } = this.#options
    if (circuit.phase === OPEN) {
      if (!hasPassed(circuit.instantMs, recoveryTimeoutMs, nowMs)) return null
      return { ...changed(circuit, HALF_OPEN, nowMs), inFlight: 1 }
    }
    if (circuit.inFlight + circuit.count < halfOpenRequests) {
      return { ...circuit, inFlight: circuit.inFlight + 1, instantMs: nowMs }
    }
    if (!hasPassed(circuit.instantMs, probeExpiryMs, nowMs)) return null
    // A new epoch, so that a probe given up for lost can no longer say anything. Successes stay.
    return { ...changed(circuit, HALF_OPEN, nowMs), inFlight: 1, count: circuit.count }
  }

  #afterSuccess(circuit: Circuit): Circuit | null {
    if (circuit.phase === CLOSED) return circuit.count === 0 ? null : { ...circuit, count: 0 }
    const count = circuit.count + 1
    if (count >= this.#options.halfOpenRequests) return changed(circuit, CLOSED, circuit.instantMs)
    return { ...circuit, count, inFlight: Math.max(IN_FLIGHT_MIN, circuit.inFlight - 1) }
  }

  #load(): Circuit {
    return decode(Atomics.load(this.#words, 0))
  }

  #swap(word: bigint, next: Circuit): boolean {
    return Atomics.compareExchange(this.#words, 0, word, encode(next)) === word
  }
}

/** The circuit in its next phase, with nothing counted yet. */
function changed(circuit: Circuit, phase: number, instantMs: number): Circuit {
  return { phase, epoch: (circuit.epoch + 1) & EPOCH_MASK, inFlight: 0, count: 0, instantMs }
}

/** Whether a wait that began at `sinceMs` is over; see the top for clocks that jump. */
function hasPassed(sinceMs: number, waitMs: number, nowMs: number): boolean {
  // `| 0` keeps the low 32 bits of any integer, also of one beyond 32 bits.
  const elapsedMs = ((Math.trunc(nowMs) | 0) - sinceMs) | 0
  return elapsedMs >= waitMs || elapsedMs < -waitMs
}

function decode(word: bigint): Circuit {
  const low = Number(word & 0xffff_ffffn)
  return {
    phase: low >>> 30,
    epoch: (low >>> 16) & EPOCH_MASK,
    // Sign and all.
    inFlight: (low << 16) >> 24,
    count: low & COUNT_MAX,
    instantMs: Number(word >> 32n) | 0,
  }
}

function encode(circuit: Circuit): bigint {
  const low =
    ((circuit.phase << 30) |
      (circuit.epoch << 16) |
      ((circuit.inFlight & COUNT_MAX) << 8) |
      circuit.count) >>>
    0
  const high = Math.trunc(circuit.instantMs) >>> 0
  return (BigInt(high) << 32n) | BigInt(low)
}

function checkRange(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return
  throw new RangeError(`${name} must be a whole number from 1 to ${max}`)
}
