/**
 * Which code of the gateway has run, as V8 counts it: no native addon and no changed code, so that
 * it works on every platform and every version of Node.
 *
 * V8 reports ranges of source text with how often they ran since the last report. A range without a
 * report of its own has run as often as the one around it.
 */
import { Session } from 'node:inspector'

interface Range {
  readonly startOffset: number
  readonly endOffset: number
  readonly count: number
}

interface Script {
  readonly scriptId: string
  readonly url: string
  /** Outer ones before those that are within them. */
  readonly functions: readonly { readonly ranges: readonly Range[] }[]
}

/** The modules of the gateway, compiled, and those that it is compared with. */
const GATEWAY_CODE = /\/build\/(src|test\/support)\//

export class CodeCoverage {
  readonly #session = new Session()
  readonly #code: RegExp
  /** One byte for each character of a script: whether it has ever run. */
  readonly #seen = new Map<string, Uint8Array>()
  #coveredCharacters = 0

  /**
   * Begins to count. Code that was loaded before is counted by functions only.
   *
   * @param code Which modules count, by URL.
   */
  constructor(code = GATEWAY_CODE) {
    this.#code = code
    this.#session.connect()
    this.#post('Profiler.enable')
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** Characters of code that have run so far. */
  get coveredCharacters(): number {
    return this.#coveredCharacters
  }

  /** Forgets what ran since the last call of this or of {@link gain}. */
  reset(): void {
    this.#post('Profiler.takePreciseCoverage')
  }

  /**
   * Whether code ran since the last call that had never run before.
   *
   * @param isKept Whether it counts as having run from now on.
   */
  gain(isKept: boolean): boolean {
    const { result } = this.#post('Profiler.takePreciseCoverage') as {
      readonly result: readonly Script[]
    }
    let gained = 0
    for (const script of result) {
      if (this.#code.test(script.url)) gained += this.#gainOf(script, isKept)
    }
    this.#coveredCharacters += isKept ? gained : 0
    return gained > 0
  }

  stop(): void {
    this.#session.disconnect()
  }

  #gainOf({ scriptId, functions }: Script, isKept: boolean): number {
    const length = Math.max(
      ...functions.flatMap(({ ranges }) => ranges.map(({ endOffset }) => endOffset)),
    )
    const ran = new Uint8Array(length)
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) {
        ran.fill(count > 0 ? 1 : 0, startOffset, endOffset)
      }
    }
    const seen = this.#seenOf(scriptId, length)
    let gained = 0
    for (let index = 0; index < length; index += 1) {
      if (ran[index] !== 1 || seen[index] === 1) continue
      gained += 1
      if (isKept) seen[index] = 1
    }
    return gained
  }

  #seenOf(scriptId: string, length: number): Uint8Array {
    const known = this.#seen.get(scriptId)
    if (known !== undefined && known.length >= length) return known
    const seen = new Uint8Array(length)
    if (known !== undefined) seen.set(known)
    this.#seen.set(scriptId, seen)
    return seen
  }

  /** Within a thread the answer is there when the call returns. */
  #post(method: string, parameters: object = {}): unknown {
    let answer: unknown
    let failure: Error | null = null
    this.#session.post(method, parameters, (error, result) => {
      failure = error
      answer = result
    })
    if (failure !== null) throw failure
    return answer
  }
}
