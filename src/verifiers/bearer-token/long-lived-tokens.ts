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

/** How long revocations of an issuer last. */
export interface RevocationLife {
  /** As it is configured: a placeholder stands for more issuers than could be remembered. */
  readonly issuer: string
  readonly lastsSeconds: number
}

/** One for each listener thread. Each issuer is reported once: it will not change by itself. */
export class LongLivedTokens {
  readonly #lifeOf: (issuer: string) => RevocationLife
  readonly #log: SecurityLog
  readonly #reported = new Set<string>()

  /** @param lifeOf How long a revocation of this issuer is kept that names no end. */
  constructor(lifeOf: (issuer: string) => RevocationLife, log: SecurityLog) {
    this.#lifeOf = lifeOf
    this.#log = log
  }

  /**
   * Looks at a token that was just verified. Issuers are those of the configuration, so that there
   * are few. Does not look at tokens that name no end: their issuer is asked again and again.
   */
  notice({ identity }: Verified, nowSeconds: number): void {
    const { expiresAtSeconds } = identity
    if (expiresAtSeconds === null) return
    const { issuer, lastsSeconds: revocationsLastSeconds } = this.#lifeOf(identity.issuer)
    const livesForSeconds = Math.floor(expiresAtSeconds - nowSeconds)
    if (livesForSeconds <= revocationsLastSeconds || this.#reported.has(issuer)) return
    this.#reported.add(issuer)
    this.#log.security({
      event: 'token_outlives_revocations',
      issuer,
      livesForSeconds,
      revocationsLastSeconds,
    })
  }
}
