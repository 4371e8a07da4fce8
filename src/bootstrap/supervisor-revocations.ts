/**
 * The supervisor's revocations: the one writer of the shared index, the feed that shares them with
 * other instances, and what the admin listener asks of both.
 */
import type { LogoutResult, RevocationDesk, RevokeResult } from '../admin/revocations.ts'
import type { GatewayConfiguration } from '../config/gateway-configuration.ts'
import type { RevocationHealth } from '../gateway/health.ts'
import type { KeySource } from '../keys/key-set.ts'
import type { RevocationReading } from '../observability/exposition.ts'
import type { Logger } from '../observability/logger.ts'
import type { Clock } from '../resilience/clock.ts'
import { withinDeadline } from '../resilience/deadline.ts'
import { randomFraction } from '../resilience/randomness.ts'
import { RedisConnections } from '../resilience/redis-connections.ts'
import { LogoutReplayMemory } from '../revocation/logout-replay-memory.ts'
import { RedisRevocationLog } from '../revocation/redis-revocation-log.ts'
import {
  type RevocationEntry,
  type RevocationPolicy,
  readRevocation,
} from '../revocation/revocation-entry.ts'
import {
  REVOCATION_FEED_DEFAULTS,
  RevocationFeed,
  type RevocationFeedState,
  type RevocationReceipt,
} from '../revocation/revocation-feed.ts'
import { RevocationIndex } from '../revocation/revocation-index.ts'
import { LogoutTokenVerifier } from '../verifiers/jwt/logout-token-verifier.ts'
import { type ComposedLogoutIssuer, composeLogoutIssuer, logoutEntries } from './compose-logout.ts'

/** One for commands is enough; a page of the log may take longer than a request can wait. */
const CONNECTIONS = { connectionsMin: 1, connectionsMax: 1, idleMs: 30_000 }
const COMMAND_TIMEOUT_MS_MIN = 1_000
const SWEEP_INTERVAL_MS = 60_000
/** A start is not held up for longer by a Redis that does not answer; readiness is. */
const START_WAIT_MS = 2_000

export interface SupervisorRevocationsParts {
  readonly buffer: SharedArrayBuffer
  readonly keys: KeySource
  readonly clock: Clock
  readonly logger: Logger
  /** {@link SupervisorRevocations.health} may say something else now. */
  readonly onHealth: () => void
}

export class SupervisorRevocations implements RevocationDesk {
  readonly #parts: SupervisorRevocationsParts
  readonly #policy: RevocationPolicy
  readonly #index: RevocationIndex
  readonly #verifier: LogoutTokenVerifier<ComposedLogoutIssuer>
  readonly #replays = new LogoutReplayMemory()
  readonly #shared: SharedLog | null
  #sweeps: NodeJS.Timeout | null = null

  constructor(configuration: GatewayConfiguration, parts: SupervisorRevocationsParts) {
    const { issuers, revocation } = configuration
    this.#parts = parts
    this.#index = new RevocationIndex(parts.buffer)
    this.#policy = {
      credentialLifeMaxSeconds: revocation.credentialLifeMaxSeconds,
      clockToleranceSeconds: Math.max(0, ...issuers.map((issuer) => issuer.clockToleranceSeconds)),
    }
    this.#verifier = new LogoutTokenVerifier(
      issuers.filter(({ keys }) => keys.kind !== 'none').map(composeLogoutIssuer),
      parts.keys,
    )
    this.#shared = openSharedLog(configuration, this.#index, parts)
  }

  /** Begins to learn. Settles when all is learnt, or soon. Never rejects. */
  async start(): Promise<void> {
    this.#sweeps = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS)
    if (this.#shared === null) return
    const { redis, feed } = this.#shared
    await redis.whenReady(START_WAIT_MS)
    feed.start()
    await withinDeadline(feed.whenCaughtUp(), START_WAIT_MS, undefined)
  }

  stop(): void {
    if (this.#sweeps !== null) clearInterval(this.#sweeps)
    this.#shared?.feed.stop()
    this.#shared?.redis.close()
  }

  /** `null`: nothing is shared with other instances. */
  health(): RevocationHealth | null {
    return this.#shared && { ...this.#shared.health }
  }

  reading(): RevocationReading {
    const status = this.#shared?.feed.status() ?? null
    return {
      size: this.#index.size,
      capacity: this.#index.capacity,
      log: status && {
        state: status.state,
        lagSeconds: status.lagSeconds,
        pending: status.pendingCount,
        unreadable: status.recordsUnreadable,
        leftOut: status.entriesLeftOut,
      },
    }
  }

  revoke(body: Uint8Array): RevokeResult {
    const parsed = readRevocation(body, this.#policy, this.#parts.clock.nowSeconds())
    if (!parsed.ok) return parsed
    const { entry, reason } = parsed
    const { outcome, isSpread } = this.#add(entry, 'operator', reason)
    return { ok: true, kind: entry.kind, outcome, untilSeconds: entry.untilSeconds, isSpread }
  }

  async logout(text: string): Promise<LogoutResult> {
    const verified = await this.#verifier.verify(text, this.#parts.clock.nowSeconds())
    if (!verified.ok) return this.#refuseLogout(verified.reason)
    const { token, issuer } = verified
    const nowSeconds = this.#parts.clock.nowSeconds()
    const entries = logoutEntries(token, issuer, this.#policy, nowSeconds)
    if (entries.length === 0) return this.#refuseLogout('subject_not_known_here')
    const name = { issuer: issuer.issuer, jti: token.jti }
    const untilSeconds = token.expiresAtSeconds + issuer.clockToleranceSeconds
    const memory = this.#replays.remember(name, untilSeconds, nowSeconds)
    if (memory !== 'new') return this.#refuseLogout(memory)
    const receipts = entries.map((entry) => this.#add(entry, 'logout', null))
    if (receipts.every(({ outcome }) => outcome !== 'full')) return { ok: true }
    this.#replays.forget(name)
    return this.#refuseLogout('full')
  }

  #refuseLogout(reason: string): LogoutResult {
    this.#parts.logger.security({ event: 'logout_token_refused', reason })
    const error = LOGOUT_ERRORS[reason] ?? 'invalid_request'
    return { ok: false, error, description: reason.replaceAll('_', ' ') }
  }

  #add(
    entry: RevocationEntry,
    origin: 'operator' | 'logout',
    reason: string | null,
  ): RevocationReceipt {
    const receipt = this.#shared?.feed.revoke(entry) ?? {
      outcome: this.#index.add(entry, this.#parts.clock.nowSeconds()),
      isSpread: false,
    }
    const { kind, key, untilSeconds } = entry
    const { outcome } = receipt
    this.#parts.logger.security({
      event: 'revocation_added',
      kind,
      key,
      untilSeconds,
      origin,
      outcome,
      reason,
    })
    return receipt
  }

  #sweep(): void {
    this.#index.sweep(this.#parts.clock.nowSeconds())
    void this.#shared?.log.sweep()
  }
}

/** Refusals of a logout that are not the fault of its token. */
const LOGOUT_ERRORS: Readonly<Record<string, 'temporarily_unavailable' | 'server_error'>> = {
  keys_unavailable: 'temporarily_unavailable',
  full: 'server_error',
  subject_not_known_here: 'server_error',
}

interface SharedLog {
  readonly redis: RedisConnections
  readonly log: RedisRevocationLog
  readonly feed: RevocationFeed
  readonly health: { hasCaughtUp: boolean; isUnreachable: boolean }
}

function openSharedLog(
  { redis: settings, revocation }: GatewayConfiguration,
  index: RevocationIndex,
  { clock, logger, onHealth }: SupervisorRevocationsParts,
): SharedLog | null {
  if (settings === null || !revocation.redis) return null
  const options = {
    ...settings,
    ...CONNECTIONS,
    readFromReplicas: false,
    commandTimeoutMs: Math.max(settings.commandTimeoutMs, COMMAND_TIMEOUT_MS_MIN),
  }
  // The state of the feed tells the same, and more.
  const redis = new RedisConnections(options, { random: randomFraction, onState: () => {} })
  const log = new RedisRevocationLog(redis, revocation.keyPrefix, clock)
  const health = { hasCaughtUp: false, isUnreachable: false }
  const onState = (state: RevocationFeedState) => {
    const wasUnreachable = health.isUnreachable
    if (state === 'caught_up') health.hasCaughtUp = true
    if (state !== 'catching_up') health.isUnreachable = state === 'unreachable'
    if (health.isUnreachable !== wasUnreachable) {
      const event = health.isUnreachable ? 'revocation_log_unreachable' : 'revocation_log_caught_up'
      logger.security({ event, pending: feed.status().pendingCount })
    }
    onHealth()
  }
  const feed = new RevocationFeed(REVOCATION_FEED_DEFAULTS, {
    index,
    log,
    clock,
    random: randomFraction,
    later(run, delayMs) {
      const timer = setTimeout(run, delayMs)
      return () => clearTimeout(timer)
    },
    onState,
  })
  return { redis, log, feed, health }
}
