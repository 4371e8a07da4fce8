/**
 * Hands signatures to worker threads in batches, from inside one listener thread.
 *
 *     submit ──► queue (bounded) ──► batch ──► idle worker ──► verdicts ──► settle, one by one
 *
 * Handing over costs the event loop several times what a token in a full batch costs
 * (native-bench/hand-over.ts), so tokens are collected: as long as all workers are busy, and when
 * one is idle, until the event loop has read every socket that is ready (one `setImmediate`).
 * Nothing waits for a batch to fill up.
 *
 * Every wait ends: a token is refused as undecided when it queued too long, and a batch when its
 * worker died or did not answer in time, in which case the worker is replaced. The owner of the
 * pool is told of each worker that is lost, and of what each new one proved (signature-proof.ts).
 */
import { EventEmitter } from 'node:events'
import { Piscina } from 'piscina'
import type { VerificationKey } from '../../keys/key-set.ts'
import type { JwsAlgorithm } from '../../protocol/jws-algorithms.ts'
import { afterListening } from '../../resilience/deadline.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { SignatureKey } from './signature-backend.ts'
import {
  type BatchKey,
  type BatchVerdicts,
  type SignatureBatch,
  VERDICT_BAD,
  VERDICT_GOOD,
} from './signature-batch.ts'
import type { SignatureProof } from './signature-proof.ts'

/**
 * - `good`, `bad`: the signature was checked.
 * - `unavailable`: undecided; the worker failed, died, or was too slow.
 * - `overloaded`: not even queued.
 */
export type SignatureOutcome = 'good' | 'bad' | 'unavailable' | 'overloaded'

/** What a verifier needs of the pool. */
export interface SignatureChecker {
  /**
   * Checks a signature with this key and no other algorithm than this.
   *
   * @param token Compact serialization that compact-jws.ts accepted.
   * @param settle Called exactly once, possibly before this returns. Must not throw.
   */
  submit(
    token: string,
    key: VerificationKey,
    algorithm: JwsAlgorithm,
    settle: (outcome: SignatureOutcome) => void,
  ): void
}

/**
 * Why a worker is gone:
 * - `failed`: it threw, while it loaded its code or later.
 * - `exited`: it ended by itself, or ran out of memory.
 * - `too_slow`: it did not answer a batch in time.
 */
export type WorkerLoss = 'failed' | 'exited' | 'too_slow'

export interface SignaturePoolOptions {
  /** Worker threads of this pool: 1 or more. */
  readonly threads: number
  /** Most tokens in one hand-over. */
  readonly batchMax: number
  /** Most tokens that wait for a worker; more are `overloaded`. */
  readonly queueMax: number
  /** A token that waited this long for a worker is `unavailable`. */
  readonly queueWaitMaxMs: number
  /** A worker that has not answered a batch by then is replaced. */
  readonly batchDeadlineMs: number
  readonly clock: Clock
  /** A worker has started: this is what it proved. */
  readonly onWorkerProved: (proof: SignatureProof) => void
  /** A worker is gone that was wanted. `error`: what it threw, if it did. */
  readonly onWorkerLost: (loss: WorkerLoss, error: unknown) => void
}

interface Job {
  readonly token: string
  readonly key: VerificationKey
  readonly algorithm: JwsAlgorithm
  readonly settle: (outcome: SignatureOutcome) => void
  readonly submittedAtMs: number
}

// Compiled code refers to compiled code: rewriting of extensions covers imports, not URLs.
const WORKER_FILE = new URL('./signature-worker.js', import.meta.url).href
/**
 * The pool would load the worker by `require` first, and Node 20 aborts the whole process when a
 * thread is ended in the middle of requiring a module of this kind. So `require` refuses it, and
 * the pool falls back to `import`.
 */
const LOAD_BY_IMPORT = '--no-experimental-require-module'
/** How the pool begins the message of the error about a worker that ended without an error. */
const EXITED = 'worker exited with code'
/** Far more than prepared keys and one batch need; a leak ends in a restart of that worker. */
const WORKER_HEAP_MIB = 128
/** A batch at a time leaves little behind. */
const WORKER_YOUNG_HEAP_MIB = 6

export class SignaturePool implements SignatureChecker {
  readonly #options: SignaturePoolOptions
  readonly #workers: Piscina<SignatureBatch, BatchVerdicts>
  #queue: Job[] = []
  /** Jobs before this place in the queue are gone. */
  #head = 0
  #busyWorkers = 0
  #isScheduled = false
  #isClosed = false
  #batchCount = 0
  #tokenCount = 0
  #workerFailureCount = 0
  #provedCount = 0
  /** What a worker that is being lost threw. */
  #lastError: unknown = null
  /** Of those who wait for the first workers to start. */
  readonly #startWaits = new Set<(haveStarted: boolean) => void>()

  constructor(options: SignaturePoolOptions) {
    this.#options = options
    this.#workers = new Piscina({
      filename: WORKER_FILE,
      name: 'verifySignatures',
      minThreads: options.threads,
      maxThreads: options.threads,
      concurrentTasksPerWorker: 1,
      recordTiming: false,
      // Not those of the process as well: a thread refuses most of them, from `--trace-gc` on.
      execArgv: [LOAD_BY_IMPORT],
      resourceLimits: {
        maxOldGenerationSizeMb: WORKER_HEAP_MIB,
        maxYoungGenerationSizeMb: WORKER_YOUNG_HEAP_MIB,
      },
    })
    this.#workers.on('message', (proof: SignatureProof) => this.#workerProved(proof))
    this.#workers.on('error', (error: unknown) => {
      this.#lastError = error
    })
    this.#workers.on('workerDestroy', () => this.#workerLost())
  }

  /** Tokens that wait for a worker. */
  get queueDepth(): number {
    return this.#queue.length - this.#head
  }

  /** Batches handed over since the start. */
  get batchCount(): number {
    return this.#batchCount
  }

  /** Tokens handed over since the start; divided by the batches, the mean size of a batch. */
  get tokenCount(): number {
    return this.#tokenCount
  }

  /** Workers lost since the start. */
  get workerFailureCount(): number {
    return this.#workerFailureCount
  }

  /** Threads that are alive now, for tests and for `explain`. */
  get threads(): Piscina['threads'] {
    return this.#workers.threads
  }

  /**
   * Resolves once every worker has loaded its code and proved it; `false` when one was lost before
   * or the time is over.
   */
  whenStarted(deadlineMs: number): Promise<boolean> {
    if (this.#provedCount >= this.#options.threads) return Promise.resolve(true)
    if (this.#workerFailureCount > 0) return Promise.resolve(false)
    return new Promise((resolve) => {
      const settle = (haveStarted: boolean): void => {
        clearTimeout(deadline)
        this.#startWaits.delete(settle)
        resolve(haveStarted)
      }
      const deadline = setTimeout(settle, deadlineMs, false)
      this.#startWaits.add(settle)
    })
  }

  submit(
    token: string,
    key: VerificationKey,
    algorithm: JwsAlgorithm,
    settle: (outcome: SignatureOutcome) => void,
  ): void {
    if (this.#isClosed) {
      settle('unavailable')
      return
    }
    if (this.queueDepth >= this.#options.queueMax) {
      settle('overloaded')
      return
    }
    const submittedAtMs = this.#options.clock.monotonicMs()
    this.#queue.push({ token, key, algorithm, settle, submittedAtMs })
    if (this.#isScheduled || this.#busyWorkers >= this.#options.threads) return
    this.#isScheduled = true
    setImmediate(this.#handOver)
  }

  /** Refuses what waits, and what comes; ends the threads. */
  async close(): Promise<void> {
    this.#isClosed = true
    const waiting = this.#queue.slice(this.#head)
    this.#queue = []
    this.#head = 0
    for (const job of waiting) job.settle('unavailable')
    this.#endStartWaits(false)
    await this.#workers.destroy()
  }

  #workerProved(proof: SignatureProof): void {
    this.#provedCount += 1
    this.#options.onWorkerProved(proof)
    if (this.#provedCount >= this.#options.threads) this.#endStartWaits(true)
  }

  #workerLost(): void {
    if (this.#isClosed) return
    this.#workerFailureCount += 1
    // What it threw is reported after its end, in the same turn of the event loop.
    setImmediate(() => {
      const error = this.#lastError
      this.#lastError = null
      this.#options.onWorkerLost(lossOf(error), error)
      this.#endStartWaits(false)
    })
  }

  #endStartWaits(haveStarted: boolean): void {
    for (const settle of this.#startWaits) settle(haveStarted)
  }

  readonly #handOver = (): void => {
    this.#isScheduled = false
    while (this.#busyWorkers < this.#options.threads && this.queueDepth > 0) {
      const jobs = this.#takeBatch()
      if (jobs.length > 0) this.#run(jobs)
    }
  }

  /** The oldest jobs, without those that have waited too long already. */
  #takeBatch(): Job[] {
    const oldestMs = this.#options.clock.monotonicMs() - this.#options.queueWaitMaxMs
    const jobs: Job[] = []
    while (this.#head < this.#queue.length && jobs.length < this.#options.batchMax) {
      const job = this.#queue[this.#head]
      this.#head += 1
      if (job === undefined) continue
      if (job.submittedAtMs < oldestMs) job.settle('unavailable')
      else jobs.push(job)
    }
    this.#forgetTaken()
    return jobs
  }

  /** Moves the queue together once most of it is gone: amortised, each job moves less than once. */
  #forgetTaken(): void {
    if (this.#head * 2 < this.#queue.length) return
    this.#queue = this.#queue.slice(this.#head)
    this.#head = 0
  }

  #run(jobs: readonly Job[]): void {
    this.#busyWorkers += 1
    this.#batchCount += 1
    this.#tokenCount += jobs.length
    // Piscina ends and replaces the worker of a task whose signal fires.
    const signal = new EventEmitter()
    const cancelDeadline = afterListening(this.#options.batchDeadlineMs, () => {
      signal.emit('abort')
    })
    this.#workers.run(compileBatch(jobs), { signal }).then(
      (verdicts) => {
        this.#settle(jobs, verdicts, cancelDeadline)
      },
      (error: unknown) => {
        this.#lastError = error
        this.#settle(jobs, null, cancelDeadline)
      },
    )
  }

  #settle(jobs: readonly Job[], verdicts: BatchVerdicts | null, cancelDeadline: () => void): void {
    cancelDeadline()
    this.#busyWorkers -= 1
    // First the next batch, so that the worker is busy while the answers go out.
    if (!this.#isClosed) this.#handOver()
    for (let index = 0; index < jobs.length; index += 1) {
      jobs[index]?.settle(outcomeOf(verdicts === null ? -1 : (verdicts[index] ?? -1)))
    }
  }
}

function lossOf(error: unknown): WorkerLoss {
  if (!(error instanceof Error)) return 'exited'
  if (error.name === 'AbortError') return 'too_slow'
  return error.message.startsWith(EXITED) ? 'exited' : 'failed'
}

function outcomeOf(verdict: number): SignatureOutcome {
  if (verdict === VERDICT_GOOD) return 'good'
  return verdict === VERDICT_BAD ? 'bad' : 'unavailable'
}

/** Names each distinct key once: a batch has few keys, so a linear search beats a map. */
function compileBatch(jobs: readonly Job[]): SignatureBatch {
  const tokens: string[] = []
  const keyIndexes: number[] = []
  const keys: BatchKey[] = []
  for (const { token, key, algorithm } of jobs) {
    let index = 0
    while (index < keys.length && !isSameUse(keys[index], key, algorithm)) index += 1
    if (index === keys.length) keys.push({ id: key.id, key: signatureKey(key, algorithm) })
    tokens.push(token)
    keyIndexes.push(index)
  }
  return { tokens, keyIndexes, keys }
}

function isSameUse(
  known: BatchKey | undefined,
  key: VerificationKey,
  algorithm: JwsAlgorithm,
): boolean {
  return known !== undefined && known.id === key.id && known.key.algorithm === algorithm
}

function signatureKey({ material }: VerificationKey, algorithm: JwsAlgorithm): SignatureKey {
  return material.kind === 'public'
    ? { algorithm, kind: 'public', spkiPem: material.spkiPem }
    : { algorithm, kind: 'secret', secret: material.secret }
}
