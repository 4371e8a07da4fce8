/**
 * `traceparent` as W3C Trace Context Level 1 §3.2 defines it: continued when valid, else started.
 *
 * Hot path: all of this runs for every request.
 *
 *     00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *     |  trace id                         parent id        flags
 *     version
 *
 * `tracestate` belongs to a `traceparent`: a caller that starts a new trace drops it (§3.3.1.1).
 */
import { type RandomHex, type RandomPattern, RandomTextPool } from './random-text-pool.ts'

const LENGTH = 55
const TRACE_ID_START = 3
const TRACE_ID_END = 35
const PARENT_ID_START = 36
const PARENT_ID_END = 52
const FLAGS_START = 53

const DASH = 0x2d
const ZERO = 0x30
const LETTER_F = 0x66

const TRACE_ID_LENGTH = TRACE_ID_END - TRACE_ID_START
const PARENT_ID_LENGTH = PARENT_ID_END - PARENT_ID_START

const PARENT_ID: RandomPattern = {
  hexLength: PARENT_ID_LENGTH,
  textLength: PARENT_ID_LENGTH,
  textOf: notAllZeroes,
}

const TRACE_AND_PARENT_ID: RandomPattern = {
  hexLength: TRACE_ID_LENGTH + PARENT_ID_LENGTH,
  textLength: TRACE_ID_LENGTH + 1 + PARENT_ID_LENGTH,
  textOf(hex) {
    const traceId = notAllZeroes(hex.slice(0, TRACE_ID_LENGTH))
    return `${traceId}-${notAllZeroes(hex.slice(TRACE_ID_LENGTH))}`
  },
}

/**
 * Whether the value can be continued. Later versions are read as far as version 00 goes, as §3.2.4
 * asks; version `ff`, upper case, and ids of zeroes only are invalid.
 */
export function isTraceparent(value: string): boolean {
  if (value.length < LENGTH) return false
  if (!isHex(value, 0, 2) || isVersionInvalid(value)) return false
  return (
    value.charCodeAt(TRACE_ID_START - 1) === DASH &&
    value.charCodeAt(TRACE_ID_END) === DASH &&
    value.charCodeAt(PARENT_ID_END) === DASH &&
    isHex(value, TRACE_ID_START, TRACE_ID_END) &&
    isHex(value, PARENT_ID_START, PARENT_ID_END) &&
    isHex(value, FLAGS_START, LENGTH) &&
    !isAllZeroes(value, TRACE_ID_START, TRACE_ID_END) &&
    !isAllZeroes(value, PARENT_ID_START, PARENT_ID_END)
  )
}

/** Makes the `traceparent`s of one thread. */
export class TraceParents {
  readonly #parentIds: RandomTextPool
  readonly #traceAndParentIds: RandomTextPool

  constructor(randomHex: RandomHex) {
    this.#parentIds = new RandomTextPool(PARENT_ID, randomHex)
    this.#traceAndParentIds = new RandomTextPool(TRACE_AND_PARENT_ID, randomHex)
  }

  /**
   * The `traceparent` for the upstream: the same trace, the gateway's own span, version 00. Of the
   * flags only "sampled" is passed on; the others are not defined and must be cleared (§3.2.2.5).
   *
   * @param incoming A value for which {@link isTraceparent} holds.
   */
  continue(incoming: string): string {
    // The lowest bit of the last hexadecimal digit; letters and digits differ in nothing there but
    // the parity of their codes: 'a' is 0x61 and stands for ten, '0' is 0x30.
    const code = incoming.charCodeAt(LENGTH - 1)
    const isSampled = ((code > ZERO + 9 ? code + 1 : code) & 1) === 1
    const traceId = incoming.slice(TRACE_ID_START, TRACE_ID_END)
    return `00-${traceId}-${this.#parentIds.take()}-${isSampled ? '01' : '00'}`
  }

  /** A `traceparent` of a new trace. @param isSampled Whether to ask those behind to record it. */
  start(isSampled: boolean): string {
    return `00-${this.#traceAndParentIds.take()}-${isSampled ? '01' : '00'}`
  }
}

function isVersionInvalid(value: string): boolean {
  const first = value.charCodeAt(0)
  const second = value.charCodeAt(1)
  if (first === LETTER_F && second === LETTER_F) return true
  if (first === ZERO && second === ZERO) return value.length !== LENGTH
  return value.length > LENGTH && value.charCodeAt(LENGTH) !== DASH
}

function isHex(value: string, start: number, end: number): boolean {
  for (let index = start; index < end; index += 1) {
    const code = value.charCodeAt(index)
    const isDigit = code >= ZERO && code <= ZERO + 9
    if (!isDigit && (code < 0x61 || code > LETTER_F)) return false
  }
  return true
}

function isAllZeroes(value: string, start: number, end: number): boolean {
  for (let index = start; index < end; index += 1) {
    if (value.charCodeAt(index) !== ZERO) return false
  }
  return true
}

/** An id of zeroes is invalid. One in 2^64, so that it is not drawn again but changed. */
function notAllZeroes(hex: string): string {
  return isAllZeroes(hex, 0, hex.length) ? `${hex.slice(1)}1` : hex
}
