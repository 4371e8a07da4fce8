/**
 * Notices tokens that live longer than revocations are kept: one that is revoked would come back
 * when its revocation ends, and nothing else would ever tell.
 */
import type { SecurityEvent } from '../../observability/security-event.ts'
import type { Verified } from '../../protocol/verification.ts'

/** Who writes it down. */
export interface SecurityLog {
  security(event: SecurityEvent): void
}

/** One for each listener thread. Each issuer is reported once: it will not change by itself. */
export class LongLivedTokens {
  readonly #lastSecondsOf: (issuer: string) => number
  readonly #log: SecurityLog
  readonly #reported = new Set<string>()

  /** @param lastSecondsOf How long a revocation of this issuer is kept that names no end. */
  constructor(lastSecondsOf: (issuer: string) => number, log: SecurityLog) {
    this.#lastSecondsOf = lastSecondsOf
    this.#log = log
  }

  /**
   * Looks at a token that was just verified. Issuers are those of the configuration, so that there
   * are few. Does not look at tokens that name no end: their issuer is asked again and again.
   */
  notice({ identity }: Verified, nowSeconds: number): void {
    const { issuer, expiresAtSeconds } = identity
    if (expiresAtSeconds === null || this.#reported.has(issuer)) return
    const livesForSeconds = Math.floor(expiresAtSeconds - nowSeconds)
    const revocationsLastSeconds = this.#lastSecondsOf(issuer)
    if (livesForSeconds <= revocationsLastSeconds) return
    this.#reported.add(issuer)
    this.#log.security({
      event: 'token_outlives_revocations',
      issuer,
      livesForSeconds,
      revocationsLastSeconds,
    })
  }
}
