/** The verification threads of one listener: whether they can work, and which are lost. */
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import type { Logger } from '../observability/logger.ts'
import { describeError } from '../observability/redact.ts'
import type { SignaturePool, WorkerLoss } from '../verifiers/jwt/signature-pool.ts'
import { isSameProof, type SignatureProof } from '../verifiers/jwt/signature-proof.ts'
import { needSignatures, signatureProblem } from './signature-problem.ts'

/** Loading and proving take a fraction of a second; many threads may start on few cores. */
const START_DEADLINE_MS = 10_000

/** Backends and faults are few. */
const PROOFS_MAX = 16

export interface ThreadSignaturesOptions {
  readonly thread: number
  readonly logger: Logger
  /** A thread proved something else than the last one, or is the first. */
  readonly onProof: (proof: SignatureProof) => void
}

export class ThreadSignatures {
  readonly #options: ThreadSignaturesOptions
  /** Those that differ. */
  #proofs: readonly SignatureProof[] = []

  constructor(options: ThreadSignaturesOptions) {
    this.#options = options
  }

  proved(proof: SignatureProof): void {
    if (this.#proofs.some((known) => isSameProof(known, proof))) return
    this.#proofs = [...this.#proofs, proof].slice(-PROOFS_MAX)
    this.#options.onProof(proof)
  }

  lost(loss: WorkerLoss, error: unknown): void {
    const { thread, logger } = this.#options
    logger.security({
      event: 'verification_thread_lost',
      listener: thread,
      loss,
      ...describeError(error),
    })
  }

  /**
   * @returns What keeps the listener from serving these issuers, for operators; `null` once all
   *   verification threads have started.
   */
  async startProblem(
    pool: SignaturePool,
    issuers: readonly IssuerConfiguration[],
  ): Promise<string | null> {
    if (!needSignatures(issuers)) return null
    if (await pool.whenStarted(START_DEADLINE_MS)) return this.#problemWith(issuers)
    return pool.workerFailureCount > 0
      ? 'a verification thread ended while it started; the log says more'
      : `the verification threads did not start within ${START_DEADLINE_MS / 1_000} s`
  }

  /** Every proof counts: a thread that took the place of another may have found something else. */
  #problemWith(issuers: readonly IssuerConfiguration[]): string | null {
    for (const proof of this.#proofs) {
      const problem = signatureProblem(proof, issuers)
      if (problem !== null) return problem
    }
    return null
  }
}
