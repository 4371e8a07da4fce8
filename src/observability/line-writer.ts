/**
 * Writes the lines of several queues to one output, which may be slow, full or gone: the rest of a
 * line follows when there is room, a failure is counted and tried again later, and nothing waits.
 */
import {
  type Output,
  WRITE_FAILURES,
  type WriteFailure,
  type WriteOutcome,
} from './standard-output.ts'

export interface LineSource {
  /** Moves lines into `target`. @returns How many bytes; 0: there is nothing. */
  take(target: Buffer): number
}

export interface LineWriterOptions {
  /** Emptied in turn. */
  readonly sources: readonly LineSource[]
  readonly output: Output
  /** The output takes lines; called before each look for more. May append to a source. */
  readonly onFlowing?: () => void
  /** Everything is written; `wake` brings it back. */
  readonly onIdle?: () => void
}

const CHUNK_BYTES = 65_536
/** So much is written before other events get their turn. */
const TURN_BYTES = 262_144
/** An output that was full is tried again after this, doubled up to the maximum. */
const FULL_PAUSE_MIN_MS = 1
const FULL_PAUSE_MAX_MS = 50
const FAILURE_PAUSE_MS = 500
/** Who appends without waking is served after this. */
const LOOK_EVERY_MS = 250
const LINE_FEED = 0x0a

export class LineWriter {
  readonly #options: LineWriterOptions
  readonly #failures = new Map<WriteFailure, number>(WRITE_FAILURES.map((word) => [word, 0]))
  readonly #chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  readonly #look: NodeJS.Timeout
  readonly #onExit = () => this.#writeLastWords()
  /** What is written next: this part of the chunk. */
  #start = 0
  #end = 0
  #turn = 0
  #fullPauseMs = FULL_PAUSE_MIN_MS
  #isFlowing = true
  #isRunning = false
  #isWriting = false
  #isEnding = false
  /** What the output refuses now, it will refuse: nothing else would end the wait for it. */
  #givesUp = false
  #hasEnded = false
  /** Settles when everything is written. */
  #written: Promise<void> = Promise.resolve()
  #endPause: (() => void) | null = null

  constructor(options: LineWriterOptions) {
    this.#options = options
    this.#look = setInterval(() => this.wake(), LOOK_EVERY_MS).unref()
    process.once('exit', this.#onExit)
  }

  /** Attempts that failed, by reason. An output that is only full is none. */
  get failures(): ReadonlyMap<WriteFailure, number> {
    return this.#failures
  }

  /** Writes what is there. What the output takes at once is written before this returns. */
  wake(): void {
    if (this.#isRunning || this.#hasEnded) return
    this.#isRunning = true
    this.#written = this.#run()
  }

  /**
   * Writes what is there, then nothing any more.
   *
   * @param timeoutMs What is not written by then is given up. `null`: waits for a slow reader as
   *   long as it takes, and gives up at the first failure, such as a reader that is gone.
   */
  async end(timeoutMs: number | null): Promise<void> {
    if (this.#hasEnded) return
    this.#isEnding = true
    this.#givesUp = timeoutMs === null
    this.#endPause?.()
    this.wake()
    await (timeoutMs === null ? this.#written : settledWithin(this.#written, timeoutMs))
    this.#hasEnded = true
    this.#endPause?.()
    clearInterval(this.#look)
    process.removeListener('exit', this.#onExit)
  }

  async #run(): Promise<void> {
    let turnBytes = 0
    while (!this.#hasEnded && this.#load()) {
      const { writtenBytes, problem } = await this.#write()
      turnBytes += writtenBytes
      if (this.#givesUp && problem !== null && problem !== 'full') break
      if (problem !== null) await this.#pause(problem)
      else if (turnBytes >= TURN_BYTES) {
        turnBytes = 0
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    this.#isRunning = false
    this.#options.onIdle?.()
  }

  /** Sees to it that there is something in the chunk. @returns Whether there is. */
  #load(): boolean {
    if (this.#start < this.#end) return true
    if (this.#isFlowing) this.#options.onFlowing?.()
    const { sources } = this.#options
    // A line that is longer than the chunk goes on before another source gets its turn.
    const isLineOpen = this.#end > 0 && this.#chunk[this.#end - 1] !== LINE_FEED
    this.#start = 0
    this.#end = 0
    if (!isLineOpen) this.#turn += 1
    for (let tries = 0; tries < sources.length && this.#end === 0; tries += 1) {
      if (tries > 0) this.#turn += 1
      this.#end = sources[this.#turn % sources.length]?.take(this.#chunk) ?? 0
    }
    return this.#end > 0
  }

  async #write(): Promise<WriteOutcome> {
    const pending = this.#options.output.write(this.#chunk.subarray(this.#start, this.#end))
    this.#isWriting = true
    const outcome = pending instanceof Promise ? await pending : pending
    this.#isWriting = false
    this.#settle(outcome)
    return outcome
  }

  #settle({ writtenBytes, problem }: WriteOutcome): void {
    this.#start += writtenBytes
    this.#isFlowing = problem === null
    if (writtenBytes > 0) this.#fullPauseMs = FULL_PAUSE_MIN_MS
    if (problem === null || problem === 'full') return
    this.#failures.set(problem, (this.#failures.get(problem) ?? 0) + 1)
  }

  async #pause(problem: WriteFailure | 'full'): Promise<void> {
    let pauseMs = this.#isEnding ? FULL_PAUSE_MAX_MS : FAILURE_PAUSE_MS
    if (problem === 'full') {
      pauseMs = this.#fullPauseMs
      this.#fullPauseMs = Math.min(pauseMs * 2, FULL_PAUSE_MAX_MS)
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pauseMs)
      this.#endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#endPause = null
  }

  /** The process ends without having called `end`: writes what the output takes at once. */
  #writeLastWords(): void {
    while (!this.#isWriting && this.#load()) {
      const outcome = this.#options.output.write(this.#chunk.subarray(this.#start, this.#end))
      if (outcome instanceof Promise || outcome.problem !== null) return
      this.#settle(outcome)
    }
  }
}

function settledWithin(promise: Promise<void>, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs)
    void promise.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
