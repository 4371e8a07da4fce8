/** What the supervisor knows, and tells, of the native code that checks signatures. */
import type { Logger } from '../observability/logger.ts'
import type { SignatureBindingReading } from '../observability/metrics/metrics-reading.ts'
import { JWS_ALGORITHMS, type SignatureBackendName } from '../protocol/jws-algorithms.ts'
import {
  type BindingFault,
  isSameProof,
  type SignatureProof,
} from '../verifiers/jwt/signature-proof.ts'

const BINDING_STATES: readonly (BindingFault | 'works')[] = [
  'works',
  'not_installed',
  'does_not_load',
  'failed_proof',
]

export class SignatureStanding {
  readonly #logger: Logger
  #latest: SignatureProof | null = null

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Said once for all threads that find the same. */
  update(proof: SignatureProof): void {
    if (this.#latest !== null && isSameProof(this.#latest, proof)) return
    this.#latest = proof
    this.#logger.log({
      event: 'signature_backends',
      openssl: checkedBy(proof, 'openssl'),
      rust: checkedBy(proof, 'rust'),
    })
    if (proof.bindingFault === null) return
    this.#logger.log({ event: 'signature_binding_unavailable', reason: proof.bindingFault })
  }

  reading(): SignatureBindingReading {
    return { state: this.#state, states: BINDING_STATES }
  }

  status(): object {
    return { binding: this.#state, backends: this.#latest?.backends ?? null }
  }

  get #state(): string | null {
    return this.#latest === null ? null : (this.#latest.bindingFault ?? 'works')
  }
}

function checkedBy({ backends }: SignatureProof, backend: SignatureBackendName): readonly string[] {
  return JWS_ALGORITHMS.filter((algorithm) => backends[algorithm] === backend)
}
