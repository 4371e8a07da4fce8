/**
 * A thread that checks signatures for a fixed time, with a backend of the gateway, and tells how
 * many it has checked.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { createOpensslVerifier } from '../src/verifiers/jwt/openssl-backend.ts'
import { createRustVerifier } from '../src/verifiers/jwt/rust-backend.ts'
import type { SignatureVerifier } from '../src/verifiers/jwt/signature-backend.ts'
import type { VerificationCount, VerificationJob } from './verification-threads.ts'

/** Signatures between two looks at the clock. */
const BETWEEN_LOOKS = 16

function check(verifier: SignatureVerifier, tokens: readonly string[]): void {
  for (let index = 0; index < BETWEEN_LOOKS; index += 1) {
    const verdict = verifier.verify(tokens[index % tokens.length] ?? '')
    if (verdict !== 'good') throw new Error(`A good signature was found ${verdict}.`)
  }
}

function checkFor(
  verifier: SignatureVerifier,
  tokens: readonly string[],
  milliseconds: number,
): VerificationCount {
  const startMs = performance.now()
  let checked = 0
  let passedMs = 0
  while (passedMs < milliseconds) {
    check(verifier, tokens)
    checked += BETWEEN_LOOKS
    passedMs = performance.now() - startMs
  }
  return { checked, seconds: passedMs / 1_000 }
}

const { key, tokens, backend, warmUpSeconds, seconds, start } = workerData as VerificationJob
const verifier = backend === 'rust' ? createRustVerifier(key) : createOpensslVerifier(key)
checkFor(verifier, tokens, warmUpSeconds * 1_000)
parentPort?.postMessage(null)
Atomics.wait(start, 0, 0)
parentPort?.postMessage(checkFor(verifier, tokens, seconds * 1_000))
