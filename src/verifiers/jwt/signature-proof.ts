/**
 * Proves which native code checks signatures on this machine, before any signature that matters:
 * a good one must pass, and a forged one must not, for each algorithm and each backend.
 */
import {
  JWS_ALGORITHM_TABLE,
  JWS_ALGORITHMS,
  type JwsAlgorithm,
  type SignatureBackendName,
} from '../../protocol/jws-algorithms.ts'
import { createOpensslVerifier } from './openssl-backend.ts'
import { type ProofVector, proofVectors } from './proof-vectors.ts'
import { canRustVerify, createBareRustVerifier } from './rust-backend.ts'
import { type BindingAbsence, type LoadedBinding, loadRustBinding } from './rust-binding.ts'
import type { SignatureVerifier } from './signature-backend.ts'

/** Why the binding is not used: it is not there, or `failed_proof`: it errs. */
export type BindingFault = BindingAbsence | 'failed_proof'

/** Structured-clone safe. */
export interface SignatureProof {
  /** `null`: it works. A binding that errs in one algorithm is trusted with none. */
  readonly bindingFault: BindingFault | null
  /** What checks each algorithm; `null`: nothing that works. */
  readonly backends: Readonly<Record<JwsAlgorithm, SignatureBackendName | null>>
}

/**
 * Takes some milliseconds. Never throws.
 *
 * @param loaded The binding, or why there is none.
 */
export function proveSignatures(loaded: LoadedBinding = loadRustBinding()): SignatureProof {
  const vectors = proofVectors()
  const bindingFault = loaded.ok ? bindingError(loaded, vectors) : loaded.reason
  const backends = Object.fromEntries(
    vectors.map((vector) => [vector.key.algorithm, workingBackend(vector, bindingFault === null)]),
  ) as SignatureProof['backends']
  return { bindingFault, backends }
}

/** Algorithms of a list that nothing here can check. */
export function unprovenAlgorithms(
  proof: SignatureProof,
  accepted: readonly JwsAlgorithm[],
): readonly JwsAlgorithm[] {
  return accepted.filter((algorithm) => proof.backends[algorithm] === null)
}

/** Whether two threads found the same. */
export function isSameProof(one: SignatureProof, other: SignatureProof): boolean {
  return (
    one.bindingFault === other.bindingFault &&
    JWS_ALGORITHMS.every((algorithm) => one.backends[algorithm] === other.backends[algorithm])
  )
}

function bindingError(
  loaded: Extract<LoadedBinding, { ok: true }>,
  vectors: readonly ProofVector[],
): 'failed_proof' | null {
  const isRight = vectors
    .filter(({ key }) => canRustVerify(key))
    .every((vector) => proves(vector, () => createBareRustVerifier(vector.key, loaded.binding)))
  return isRight ? null : 'failed_proof'
}

/** The one that the table prefers, if it works; otherwise the other, if that does. */
function workingBackend(vector: ProofVector, hasBinding: boolean): SignatureBackendName | null {
  const working: SignatureBackendName[] = []
  if (proves(vector, () => createOpensslVerifier(vector.key))) working.push('openssl')
  if (hasBinding && canRustVerify(vector.key)) working.push('rust')
  const preferred = JWS_ALGORITHM_TABLE[vector.key.algorithm].backend
  return working.includes(preferred) ? preferred : (working[0] ?? null)
}

function proves({ good, bad }: ProofVector, create: () => SignatureVerifier): boolean {
  // Native code of which nothing is known yet: what it may throw is no word about a signature.
  try {
    const verifier = create()
    return verifier.verify(good) === 'good' && verifier.verify(bad) === 'bad'
  } catch {
    return false
  }
}
