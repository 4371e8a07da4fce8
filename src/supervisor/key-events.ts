/** Tells the operator, in the right stream, what happened to an issuer's keys. */
import type { JwksEvent } from '../keys/jwks-event.ts'
import type { Logger } from '../observability/logger.ts'

/** @param alertOnStale Whether the operator wants to be warned of stale keys of this issuer. */
export function logKeyEvent(logger: Logger, event: JwksEvent, alertOnStale: boolean): void {
  const { issuerName: issuer, keyId } = event
  const reason = event.reason ?? 'unknown'
  switch (event.type) {
    case 'jwks_refresh_failed':
      logger.security({
        event: 'jwks_refresh_failed',
        issuer,
        reason,
        status: event.status,
        cause: event.cause,
      })
      break
    case 'jwks_refresh_recovered':
      logger.log({ event: 'jwks_refresh_recovered', issuer })
      break
    case 'stale_keys_in_use':
      if (alertOnStale) logger.security({ event: 'stale_keys_in_use', issuer })
      break
    case 'keys_expired':
      logger.security({ event: 'keys_expired', issuer })
      break
    case 'key_added':
    case 'key_removed':
      logger.security({ event: event.type, issuer, keyId })
      break
    case 'key_skipped':
      logger.log({ event: 'jwks_key_skipped', issuer, keyId, reason })
      break
    case 'key_without_place':
      logger.log({ event: 'jwks_key_without_place', issuer, keyId })
      break
    case 'disk_cache_failed':
      logger.log({ event: 'jwks_disk_copy_failed', issuer, reason })
      break
  }
}
