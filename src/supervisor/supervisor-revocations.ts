/** The supervisor's revocations: the one writer of the index, and the feed over Redis. */
import type { Revocations } from '../admin/revocations.ts'
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import type { RedisConfiguration } from '../config/sections/redis.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import type { UnknownKeyOutcome } from '../keys/key-set.ts'
import type { Logger } from '../observability/logger.ts'
import type { RevocationReading } from '../observability/metrics/metrics-reading.ts'
import { createIssuerTemplate } from '../protocol/issuer-template.ts'
import type { RedisClient } from '../redis/redis-client.ts'
import { LearntRevocations } from '../revocation/learnt-revocations.ts'
import { LOGOUT_REPLAYS_MAX, LogoutReplayMemory } from '../revocation/logout-replay-memory.ts'
import { RedisRevocationLog } from '../revocation/redis-revocation-log.ts'
import type { RevocationEntry } from '../revocation/revocation-entry.ts'
import {
  REVOCATION_FEED_DEFAULTS,
  RevocationFeed,
  type RevocationFeedStatus,
  type RevocationReceipt,
} from '../revocation/revocation-feed.ts'
import { RevocationIndex } from '../revocation/revocation-index.ts'
import type { Clock } from '../runtime/clock.ts'
import { randomFraction, randomHex } from '../runtime/randomness.ts'
import { keySourceOf } from '../threads/key-source.ts'
import {
  type LogoutIssuer,
  LogoutTokenVerifier,
} from '../verifiers/logout/logout-token-verifier.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { RevocationDoor, revocationScope, SHARE_FULL, sharingKeys } from './revocation-door.ts'
import { SpooledRevocations } from './spooled-revocations.ts'
import { connectSupervisor } from './supervisor-redis.ts'

const SWEEP_INTERVAL_MS = 60_000
/** No request waits for it, and a server that a hundred instances ask at once takes its time. */
const REDIS_TIMEOUT_MS_MIN = 3_000
/** At the end of the process, for what Redis has not taken yet. */
const FLUSH_MS = 2_000
const LOG_NAME_BYTES = 8

export interface SupervisorRevocationsParts {
  readonly buffer: SharedArrayBuffer
  readonly learntBuffer: SharedArrayBuffer
  readonly keys: IssuerKeys
  readonly clock: Clock
  readonly logger: Logger
  /** The feed has read everything for the first time. */
  readonly onLearnt: () => void
}

export interface RevocationsStatus {
  readonly active: number
  readonly capacity: number
  /** `null`: revocations are not shared. */
  readonly feed: RevocationFeedStatus | null
}

export class SupervisorRevocations {
  readonly #keys: IssuerKeys
  readonly #replays: LogoutReplayMemory
  #revocations: Revocations
  readonly #index: RevocationIndex
  readonly #door: RevocationDoor
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #redis: RedisClient | null
  readonly #feed: RevocationFeed | null
  readonly #spooled: SpooledRevocations | null
  readonly #learnt: LearntRevocations
  #hasLearnt: boolean
  #sweeper: NodeJS.Timeout | null = null

  constructor(configuration: GatewayConfiguration, parts: SupervisorRevocationsParts) {
    const { revocation, redis, issuers } = configuration
    this.#clock = parts.clock
    this.#index = new RevocationIndex(parts.buffer, sharingKeys(issuers))
    this.#door = new RevocationDoor(this.#index, issuers)
    this.#logger = parts.logger
    this.#redis =
      revocation.redis && redis !== null
        ? connectSupervisor(patient(redis), () => this.#feed?.lookNow())
        : null
    this.#hasLearnt = this.#redis === null
    this.#learnt = new LearntRevocations(parts.learntBuffer)
    if (this.#hasLearnt || revocation.beforeReady === 'serve') this.#learnt.markLearnt()
    this.#feed = this.#redis && this.#createFeed(this.#redis, revocation.keyPrefix, parts)
    this.#spooled =
      this.#feed &&
      new SpooledRevocations(revocation.spoolDirectory, this.#feed, parts.clock, parts.logger)
    this.#keys = parts.keys
    this.#replays = new LogoutReplayMemory(
      Math.ceil(LOGOUT_REPLAYS_MAX / Math.max(1, issuers.length)),
    )
    this.#revocations = this.#compose(configuration)
  }

  /** For the admin listener; another one with each configuration. */
  get revocations(): Revocations {
    return this.#revocations
  }

  /** Another configuration is committed, with the same feed. What is revoked stays revoked. */
  use(configuration: GatewayConfiguration): void {
    this.#index.use(sharingKeys(configuration.issuers))
    this.#door.use(configuration.issuers)
    this.#revocations = this.#compose(configuration)
  }

  /** Whether everything that is in force elsewhere has been learnt once. */
  get hasLearnt(): boolean {
    return this.#hasLearnt
  }

  /** Settles when what an earlier process has left is in force, as far as the disk is in time. */
  async start(): Promise<void> {
    await this.#spooled?.restore()
    this.#feed?.start()
    this.#sweeper = setInterval(() => {
      this.#index.sweep(this.#clock.nowSeconds())
      this.#spooled?.forgetSent()
    }, SWEEP_INTERVAL_MS)
  }

  status(): RevocationsStatus {
    return {
      active: this.#index.size,
      capacity: this.#index.capacity,
      feed: this.#feed?.status() ?? null,
    }
  }

  /** For the metrics. */
  reading(): RevocationReading {
    const { active, capacity, feed } = this.status()
    const log = feed && {
      state: feed.state,
      lagSeconds: feed.lagSeconds,
      pending: feed.pendingCount,
      unreadable: feed.recordsUnreadable,
      leftOut: feed.entriesLeftOut,
      appendFailures: feed.appendFailures,
    }
    return { size: active, capacity, issuers: this.#door.reading(), log }
  }

  /** Tries to send first what only this instance knows. */
  async stop(): Promise<void> {
    if (this.#sweeper !== null) clearInterval(this.#sweeper)
    const waiting = (await this.#feed?.flush(FLUSH_MS)) ?? 0
    const count = (await this.#spooled?.keep(waiting)) ?? waiting
    if (count > 0) this.#logger.security({ event: 'revocations_lost', count })
    this.#feed?.stop()
    this.#redis?.close()
  }

  #compose(configuration: GatewayConfiguration): Revocations {
    const { issuers } = configuration
    return {
      scope: revocationScope(configuration),
      verifier: createVerifier(issuers, this.#keys),
      replays: this.#replays,
      nowSeconds: () => this.#clock.nowSeconds(),
      revoke: (entry) => this.#revoke(entry),
      liftOf: (key) => this.#index.liftOf(key, this.#clock.nowSeconds()),
      issuersWithSessions: new Set(
        issuers.filter(({ logoutRevokes }) => logoutRevokes === 'session').map(({ name }) => name),
      ),
    }
  }

  #revoke(asked: RevocationEntry): RevocationReceipt {
    const entry = this.#door.prepare(asked, this.#clock.nowSeconds())
    if (entry === null) return SHARE_FULL
    if (this.#feed === null) {
      const outcome = this.#index.add(entry, this.#clock.nowSeconds())
      return { outcome, isSent: Promise.resolve(false) }
    }
    const receipt = this.#feed.revoke(entry)
    if (receipt.outcome !== 'expired') void this.#noticeUnsent(receipt)
    return receipt
  }

  async #noticeUnsent({ isSent }: RevocationReceipt): Promise<void> {
    if (!(await isSent)) this.#logger.security({ event: 'revocation_not_sent' })
  }

  #createFeed(
    commands: RedisClient,
    keyPrefix: string,
    { clock, logger, onLearnt }: SupervisorRevocationsParts,
  ): RevocationFeed {
    const log = new RedisRevocationLog(keyPrefix, {
      commands,
      nowSeconds: () => clock.nowSeconds(),
      monotonicMs: () => clock.monotonicMs(),
      randomName: () => randomHex(LOG_NAME_BYTES),
    })
    const feed = new RevocationFeed(REVOCATION_FEED_DEFAULTS, {
      index: this.#index,
      log,
      clock,
      random: randomFraction,
      later: (run, delayMs) => {
        const timer = setTimeout(run, delayMs)
        return () => clearTimeout(timer)
      },
      onState: (state) => {
        if (state !== 'catching_up') logger.security({ event: `revocation_feed_${state}` })
      },
      onLogLost: () => logger.security({ event: 'revocation_log_lost' }),
    })
    void feed.whenCaughtUp().then(() => {
      this.#hasLearnt = true
      this.#learnt.markLearnt()
      onLearnt()
    })
    return feed
  }
}

function patient(redis: RedisConfiguration): RedisConfiguration {
  return {
    ...redis,
    connectTimeoutMs: Math.max(redis.connectTimeoutMs, REDIS_TIMEOUT_MS_MIN),
    commandTimeoutMs: Math.max(redis.commandTimeoutMs, REDIS_TIMEOUT_MS_MIN),
  }
}

function createVerifier(
  issuers: readonly IssuerConfiguration[],
  keys: IssuerKeys,
): LogoutTokenVerifier {
  return new LogoutTokenVerifier(issuers.map(logoutIssuer), {
    keySet: (sourceId) => keys.keySet(sourceId),
    async resolveUnknownKey(sourceId, keyId): Promise<UnknownKeyOutcome> {
      const { outcome } = await keys.resolveUnknownKey(sourceId, keyId)
      return outcome
    },
  })
}

/** A logout token is for a client of the issuer, an access token for an API: they may differ. */
function logoutIssuer(issuer: IssuerConfiguration): LogoutIssuer {
  const { name, algorithms, clockToleranceSeconds, introspection } = issuer
  const client = introspection === null ? [] : [introspection.clientId]
  const audiences = [...issuer.audiences, ...client, ...issuer.logoutAudiences]
  const knowsSubjects = issuer.claims.subject.places[0]?.path.text === 'sub'
  return {
    name,
    keySourceId: keySourceOf(issuer),
    issuer: issuer.issuer,
    template: createIssuerTemplate(issuer.issuer, issuer.placeholder),
    audiences,
    algorithms,
    clockToleranceSeconds,
    knowsSubjects,
  }
}
