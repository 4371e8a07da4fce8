/** A reading thread of the revocation tests: asks without pause while the writer writes. */
import { parentPort, workerData } from 'node:worker_threads'
import { type RevocationKeys, revocationKeysOf } from '../../src/revocation/revocation-key.ts'
import { RevocationReader } from '../../src/revocation/revocation-reader.ts'
import { identityOf } from '../support/revocations.ts'

export interface RevocationThreadInput {
  readonly buffer: SharedArrayBuffer
  /** Word 0: how many of `victims` are revoked. Word 1: not 0 when all is done. Word 2: seconds. */
  readonly progress: SharedArrayBuffer
  /** Numbers 0 … victims − 1 are revoked one after the other. */
  readonly victims: number
  /** As many numbers from `victims` on are never covered by any revocation. */
  readonly bystanders: number
  /** Answer questions by message instead. */
  readonly answersMessages: boolean
}

export interface RevocationThreadReport {
  readonly missed: number
  readonly falselyRevoked: number
  readonly asked: number
  /** Questions that were answered while the writer was at work. */
  readonly askedMeanwhile: number
}

const input = workerData as RevocationThreadInput
const reader = new RevocationReader(input.buffer)
const progress = new Int32Array(input.progress)
const everybody: RevocationKeys[] = Array.from(
  { length: input.victims + input.bystanders },
  (_, number) => revocationKeysOf(identityOf(number)),
)

function hammer(): RevocationThreadReport {
  let missed = 0
  let falselyRevoked = 0
  let asked = 0
  let askedMeanwhile = 0
  for (let isDone = false; !isDone; ) {
    // Before the round, so that the last one sees all that was written.
    isDone = Atomics.load(progress, 1) !== 0
    for (let number = 0; number < everybody.length; number += 1) {
      const revokedBefore = Atomics.load(progress, 0)
      const nowSeconds = Atomics.load(progress, 2)
      const isRevoked = reader.isRevoked(everybody[number] as RevocationKeys, nowSeconds)
      asked += 1
      if (number < revokedBefore && !isRevoked) missed += 1
      if (number >= input.victims && isRevoked) falselyRevoked += 1
    }
    if (!isDone) askedMeanwhile = asked
  }
  return { missed, falselyRevoked, asked, askedMeanwhile }
}

if (input.answersMessages) {
  parentPort?.on('message', (number: number) => {
    const keys = everybody[number] as RevocationKeys
    parentPort?.postMessage(reader.isRevoked(keys, Atomics.load(progress, 2)))
  })
} else {
  parentPort?.postMessage('reading')
  parentPort?.postMessage(hammer())
}
