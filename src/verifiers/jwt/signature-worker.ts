/**
 * The thread that checks signatures. It imports little, because each thread of each pool loads it,
 * and does nothing asynchronous: between batches it sleeps in `Atomics.wait`.
 *
 * Before it takes a batch it proves its native code, and tells the pool the result.
 */
import { parentPort } from 'node:worker_threads'
import { createOpensslVerifier } from './openssl-backend.ts'
import { createRustVerifier } from './rust-backend.ts'
import { type SignatureVerdict, type SignatureVerifier, UNUSABLE_KEY } from './signature-backend.ts'
import {
  type BatchKey,
  type BatchVerdicts,
  type SignatureBatch,
  VERDICT_BAD,
  VERDICT_FAILED,
  VERDICT_GOOD,
} from './signature-batch.ts'
import { proveSignatures } from './signature-proof.ts'

/** Prepared keys kept; beyond that all are forgotten and prepared again when they come. */
const PREPARED_KEYS_MAX = 1_024

const VERDICT_BYTES: Readonly<Record<SignatureVerdict, number>> = {
  failed: VERDICT_FAILED,
  bad: VERDICT_BAD,
  good: VERDICT_GOOD,
}

const prepared = new Map<string, SignatureVerifier>()
const proof = proveSignatures()
parentPort?.postMessage(proof)

/** Checks one batch. Never throws: an undecided token is {@link VERDICT_FAILED}. */
export function verifySignatures(batch: SignatureBatch): BatchVerdicts {
  const verifiers = batch.keys.map(preparedVerifier)
  const verdicts = new Uint8Array(batch.tokens.length)
  for (let index = 0; index < batch.tokens.length; index += 1) {
    const token = batch.tokens[index]
    const verifier = verifiers[batch.keyIndexes[index] ?? -1]
    if (token === undefined || verifier === undefined) continue
    verdicts[index] = VERDICT_BYTES[verifier.verify(token)]
  }
  return verdicts
}

function preparedVerifier({ id, key }: BatchKey): SignatureVerifier {
  // The algorithm is part of the name: one RSA key may serve RS256 and PS256.
  const name = `${id}:${key.algorithm}`
  const known = prepared.get(name)
  if (known !== undefined) return known
  if (prepared.size >= PREPARED_KEYS_MAX) prepared.clear()
  const verifier = createVerifier(key)
  prepared.set(name, verifier)
  return verifier
}

function createVerifier(key: BatchKey['key']): SignatureVerifier {
  switch (proof.backends[key.algorithm]) {
    case 'rust':
      return createRustVerifier(key)
    case 'openssl':
      return createOpensslVerifier(key)
    case null:
      return UNUSABLE_KEY
  }
}
