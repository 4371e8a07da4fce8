/**
 * Catches an input that never ends. Nothing in the thread that runs it can, so another thread looks
 * on: it sees through shared memory which input runs, writes it down and ends the process.
 */
import { writeSync } from 'node:fs'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { writeReproducer } from './fuzz-target.ts'
import { INPUT_BYTES_MAX } from './mutate-bytes.ts'

/** More than any input takes beside any other work. */
const HANG_MS = 30_000
const LOOK_MS = 1_000
const HEADER_BYTES = 8
const STANDARD_ERROR = 2

interface WatchData {
  readonly target: string
  readonly memory: SharedArrayBuffer
}

/** Two numbers, how many inputs there were and how long the last one is, and its bytes. */
export class HangWatch {
  readonly #numbers: Int32Array
  readonly #bytes: Uint8Array
  readonly #watcher: Worker

  constructor(target: string) {
    const memory = new SharedArrayBuffer(HEADER_BYTES + INPUT_BYTES_MAX)
    this.#numbers = new Int32Array(memory, 0, 2)
    this.#bytes = new Uint8Array(memory, HEADER_BYTES)
    const data: WatchData = { target, memory }
    this.#watcher = new Worker(new URL(import.meta.url), { workerData: { hangWatch: data } })
    this.#watcher.unref()
  }

  /** @param input What runs next. A longer one than the engine makes is cut. */
  begin(input: Uint8Array): void {
    const shown = input.subarray(0, INPUT_BYTES_MAX)
    this.#bytes.set(shown)
    this.#numbers[1] = shown.length
    Atomics.add(this.#numbers, 0, 1)
  }

  async stop(): Promise<void> {
    await this.#watcher.terminate()
  }
}

function watch({ target, memory }: WatchData): void {
  const numbers = new Int32Array(memory, 0, 2)
  let lastCount = -1
  let stillMs = 0
  setInterval(() => {
    const count = Atomics.load(numbers, 0)
    stillMs = count === lastCount ? stillMs + LOOK_MS : 0
    lastCount = count
    if (stillMs < HANG_MS) return
    const input = new Uint8Array(memory, HEADER_BYTES, numbers[1]).slice()
    const file = writeReproducer(target, input)
    writeSync(STANDARD_ERROR, `${target}: an input has run for ${HANG_MS} ms: ${file}\n`)
    process.kill(process.pid, 'SIGKILL')
  }, LOOK_MS)
}

const started = workerData as { readonly hangWatch?: WatchData } | null
if (!isMainThread && started?.hangWatch !== undefined) watch(started.hangWatch)
