/**
 * Coverage-guided fuzzing of one target: inputs that make new code run are kept, and the next ones
 * are made of them.
 *
 * Inputs run in batches, because asking V8 what has run costs as much as hundreds of them. A batch
 * in which new code ran is cut in half until the inputs that did it are found.
 */
import type { RandomBelow } from '../../support/seeded-random.ts'
import type { CodeCoverage } from './code-coverage.ts'
import type { FuzzTarget } from './fuzz-target.ts'
import { mutateBytes } from './mutate-bytes.ts'

const BATCH_INPUTS_MAX = 1_024
const BATCH_MS = 50
/** Longer than any input of 4 KiB takes, and more than a request may cost. */
const INPUT_MS_MAX_USUAL = 1_000
const SHRINK_TRIES_MAX = 5_000

export interface FuzzOptions {
  readonly target: FuzzTarget
  readonly random: RandomBelow
  /** `null`: inputs are made of the seeds alone. */
  readonly coverage: CodeCoverage | null
  /** Of processor time; an input that takes more breaks the target. */
  readonly inputMsMax?: number
  /** Hears of each input before it runs. */
  readonly onInput?: (input: Uint8Array) => void
  /** Hears of each input that is kept. */
  readonly onKept?: (input: Uint8Array) => void
}

export interface FuzzFailure {
  /** As short as it still fails. */
  readonly input: Uint8Array
  readonly error: unknown
}

export class FuzzLoop {
  executions = 0
  /** How often inputs came to what, by the words of the target. */
  readonly outcomes = new Map<string, number>()
  readonly #options: FuzzOptions
  readonly #inputs: Uint8Array[] = []

  constructor(options: FuzzOptions) {
    this.#options = options
  }

  get keptInputs(): number {
    return this.#inputs.length
  }

  /** Runs each of them and keeps it. @returns The first that fails, or `null`. */
  addSeeds(seeds: readonly Uint8Array[]): FuzzFailure | null {
    for (const seed of seeds) {
      this.#inputs.push(seed)
      const failure = this.#run(seed)
      if (failure !== null) return this.#shrunk(failure)
    }
    this.#options.coverage?.gain(true)
    return null
  }

  /** Runs new inputs for {@link BATCH_MS}. @returns The first that fails, or `null`. */
  runBatch(countMax = BATCH_INPUTS_MAX): FuzzFailure | null {
    const failure = this.#runBatch(countMax)
    return failure === null ? null : this.#shrunk(failure)
  }

  #runBatch(countMax: number): FuzzFailure | null {
    const { random, coverage } = this.#options
    const { dictionary } = this.#options.target
    const material = { random, inputs: this.#inputs, dictionary }
    const batch: Uint8Array[] = []
    const endMs = performance.now() + BATCH_MS
    while (batch.length < countMax && performance.now() < endMs) {
      const input = mutateBytes(this.#parent(), material)
      batch.push(input)
      const failure = this.#run(input)
      if (failure !== null) return failure
    }
    if (coverage?.gain(false) === true) {
      const failure = this.#keepNew(batch)
      // Of code that runs once in a process, no input is the cause.
      coverage.gain(true)
      return failure
    }
    return null
  }

  /** Half of the time one of the newest, which lead to where nothing was before. */
  #parent(): Uint8Array {
    const { random } = this.#options
    const { length } = this.#inputs
    const newest = Math.max(1, length >> 2)
    const index = random(2) === 0 ? random(Math.max(length, 1)) : length - 1 - random(newest)
    return this.#inputs[index] ?? new Uint8Array(0)
  }

  /** Finds those of the inputs that made new code run. */
  #keepNew(inputs: readonly Uint8Array[]): FuzzFailure | null {
    const [only] = inputs
    if (only === undefined) return null
    if (inputs.length > 1) {
      const middle = inputs.length >> 1
      return this.#keepNewOf(inputs.slice(0, middle)) ?? this.#keepNewOf(inputs.slice(middle))
    }
    this.#inputs.push(only)
    this.#options.onKept?.(only)
    return null
  }

  /** The same of a half of them, which runs again for that. */
  #keepNewOf(half: readonly Uint8Array[]): FuzzFailure | null {
    const { coverage } = this.#options
    coverage?.reset()
    for (const input of half) {
      const failure = this.#run(input)
      if (failure !== null) return failure
    }
    return coverage?.gain(half.length === 1) === true ? this.#keepNew(half) : null
  }

  #run(input: Uint8Array): FuzzFailure | null {
    this.executions += 1
    this.#options.onInput?.(input)
    const error = this.#errorOf(input)
    return error === null ? null : { input, error: error.thrown }
  }

  #errorOf(input: Uint8Array): { readonly thrown: unknown } | null {
    const startedMs = performance.now()
    try {
      const outcome = this.#options.target.fuzz(input)
      this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
    } catch (thrown) {
      return { thrown }
    }
    const inputMsMax = this.#options.inputMsMax ?? INPUT_MS_MAX_USUAL
    const isSlow = performance.now() - startedMs > inputMsMax && this.#cpuMs(input) > inputMsMax
    return isSlow ? { thrown: new Error(`takes more than ${inputMsMax} ms`) } : null
  }

  /** What it costs without the work of others on this machine. */
  #cpuMs(input: Uint8Array): number {
    const before = process.cpuUsage()
    this.#options.target.fuzz(input)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1_000
  }

  /** Leaves out range after range, as long as what is left still fails. */
  #shrunk({ input, error }: FuzzFailure): FuzzFailure {
    let shortest = { input, error }
    let tries = 0
    for (let size = input.length >> 1; size > 0; size >>= 1) {
      for (let start = 0; start + size <= shortest.input.length && tries < SHRINK_TRIES_MAX; ) {
        tries += 1
        const { input: before } = shortest
        const less = Buffer.concat([before.subarray(0, start), before.subarray(start + size)])
        const failed = this.#errorOf(less)
        if (failed === null) start += size
        else shortest = { input: less, error: failed.thrown }
      }
    }
    return shortest
  }
}
