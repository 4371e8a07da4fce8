/** Checks signatures in several threads at once and reads what that costs. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { JwsAlgorithm, SignatureBackendName } from '../src/protocol/jws-algorithms.ts'
import type { SignatureKey } from '../src/verifiers/jwt/signature-backend.ts'
import { claimsText, headerText, mintKey, signRaw } from '../test/support/mint-token.ts'

const PROGRAM = new URL('./verification-worker.js', import.meta.url)
const TOKENS = 16
const WARM_UP_SECONDS = 0.1

/** Tokens of one public key, and what checks them. */
export interface VerificationWork {
  readonly key: SignatureKey
  readonly tokens: readonly string[]
  readonly backend: SignatureBackendName
}

/** What one thread is handed. */
export interface VerificationJob extends VerificationWork {
  readonly warmUpSeconds: number
  readonly seconds: number
  /** The threads begin together when its only element is no longer 0. */
  readonly start: Int32Array
}

/** What one thread tells. */
export interface VerificationCount {
  readonly checked: number
  readonly seconds: number
}

export interface VerificationTurn {
  /** Of all threads together. */
  readonly perSecond: number
  /** CPU time of the process for one signature. */
  readonly cpuMicros: number
}

/** @throws For an algorithm without public keys. */
export function verificationWork(
  algorithm: JwsAlgorithm,
  backend: SignatureBackendName,
): VerificationWork {
  const key = mintKey(algorithm)
  const { material } = key.verificationKey
  if (material.kind !== 'public') throw new Error(`${algorithm} has no public keys.`)
  return {
    key: { algorithm, kind: 'public', spkiPem: material.spkiPem },
    tokens: Array.from({ length: TOKENS }, (_, index) =>
      signRaw(key, headerText(key), claimsText({ n: index })),
    ),
    backend,
  }
}

/**
 * One turn: all threads check for the same time.
 *
 * @throws When a thread fails, such as where a signature is not found good; all are ended first.
 */
export async function verifyInThreads(
  work: VerificationWork,
  threads: number,
  seconds: number,
): Promise<VerificationTurn> {
  const start = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const workerData: VerificationJob = { ...work, warmUpSeconds: WARM_UP_SECONDS, seconds, start }
  const workers = Array.from({ length: threads }, () => new Worker(PROGRAM, { workerData }))
  try {
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    const counting = Promise.all(workers.map((worker) => once(worker, 'message')))
    const before = process.cpuUsage()
    Atomics.store(start, 0, 1)
    Atomics.notify(start, 0)
    const counts = (await counting).map(([count]) => count as VerificationCount)
    const { user, system } = process.cpuUsage(before)
    const checked = counts.reduce((sum, count) => sum + count.checked, 0)
    return {
      perSecond: counts.reduce((sum, count) => sum + count.checked / count.seconds, 0),
      cpuMicros: (user + system) / checked,
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}
