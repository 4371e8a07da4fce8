/** The supervisor's tenants: those of the configuration, and those that Redis holds. */

import type { TenantsConfiguration } from '../config/sections/tenants.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import type { Logger } from '../observability/logger.ts'
import type { TenantsReading } from '../observability/metrics/metrics-reading.ts'
import type { RedisClient } from '../redis/redis-client.ts'
import { withinDeadline } from '../resilience/deadline.ts'
import type { Clock } from '../runtime/clock.ts'
import { randomFraction } from '../runtime/randomness.ts'
import { RedisTenantStore } from '../tenants/redis-tenant-store.ts'
import { StoredTenants } from '../tenants/stored-tenants.ts'
import { TENANTS_MAX } from '../tenants/tenant-registry.ts'
import { type TenantsState, TenantWatcher } from '../tenants/tenant-watcher.ts'
import type { TenantsChange } from '../tenants/tenants-change.ts'
import { connectSupervisor } from './supervisor-redis.ts'

/** How soon at the latest a change is noticed that only the version, or the count, tells of. */
const LOOK_INTERVAL_MS = 2_000
/** No request waits for these commands. */
const COMMAND_TIMEOUT_MS = 5_000
/** How long one question for the next change stays open, and what may go by beyond that. */
const WAIT_MS = 10_000
const WAIT_MARGIN_MS = 5_000
/** A start does not wait longer for the tenants; the instance is not ready until they are known. */
const FIRST_READING_MS_MAX = 3_000

const NO_STORE: TenantsChange = { tenants: [], unreadable: [], gone: [], isComplete: true }

export interface SupervisorTenantsParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly onChange: (change: TenantsChange) => void
}

export class SupervisorTenants {
  readonly #parts: SupervisorTenantsParts
  readonly #stored: StoredTenants | null
  readonly #connections: readonly RedisClient[]
  readonly #watcher: TenantWatcher | null
  #unreadable = 0

  constructor(configuration: GatewayConfiguration, parts: SupervisorTenantsParts) {
    const { tenants, redis } = configuration
    this.#parts = parts
    this.#stored = null
    this.#connections = []
    this.#watcher = null
    if (tenants?.redis !== true || redis === null) return
    const waiting = { ...redis, commandTimeoutMs: WAIT_MS + WAIT_MARGIN_MS }
    const commands = connectSupervisor({ ...redis, commandTimeoutMs: COMMAND_TIMEOUT_MS })
    this.#connections = [commands, connectSupervisor(waiting)]
    this.#stored = new StoredTenants({
      tenantsMax: TENANTS_MAX - tenants.registry.length,
      ...namesIn(configuration),
    })
    this.#watcher = this.#watch(tenants, this.#stored)
  }

  /** Settles after the first reading, which must not hold up everything else for long. */
  async start(connectTimeoutMs: number): Promise<void> {
    if (this.#watcher === null) return
    await this.#connections[0]?.whenReady(connectTimeoutMs)
    await withinDeadline(this.#watcher.start(), FIRST_READING_MS_MAX, undefined)
  }

  /** Whether all tenants were known at some time. */
  get hasBeenRead(): boolean {
    return this.#stored?.hasBeenRead ?? true
  }

  /**
   * All that the store has, as a change from nothing. Listener threads have those of the
   * configuration from there, and let them win over those of the same name.
   */
  whole({ issuers }: GatewayConfiguration): TenantsChange {
    return this.#stored?.whole(issuers.map(({ name }) => name)) ?? NO_STORE
  }

  /**
   * Another configuration is committed, with the same store. Records that name an upstream or an
   * issuer that is new are understood when they are next read, which is asked for here.
   */
  use(configuration: GatewayConfiguration): void {
    this.#stored?.use(namesIn(configuration))
    this.#watcher?.readAgain()
  }

  /** For the metrics; `null`: there is no store of tenants. */
  reading(): TenantsReading | null {
    if (this.#watcher === null || this.#stored === null) return null
    const { size, unreadableCount, leftOutCount } = this.#stored
    const state = this.#watcher.state
    return { state, size, unreadable: unreadableCount, leftOut: leftOutCount }
  }

  stop(): void {
    this.#watcher?.stop()
    for (const redis of this.#connections) redis.close()
  }

  #watch(
    { key, refreshIntervalMs, staleMaxAgeMs }: TenantsConfiguration,
    tenants: StoredTenants,
  ): TenantWatcher | null {
    const [commands, waiting] = this.#connections
    if (commands === undefined || waiting === undefined) return null
    return new TenantWatcher(
      { lookIntervalMs: LOOK_INTERVAL_MS, refreshIntervalMs, staleMaxMs: staleMaxAgeMs },
      {
        store: new RedisTenantStore(key, WAIT_MS, commands, waiting),
        tenants,
        monotonicMs: () => this.#parts.clock.monotonicMs(),
        random: randomFraction,
        onChange: (change) => this.#tell(change, tenants),
        onState: (state) => this.#logState(state, tenants),
        onGivenUp: (count) => this.#parts.logger.security({ event: 'tenants_given_up', count }),
      },
    )
  }

  #tell(change: TenantsChange, { unreadableCount }: StoredTenants): void {
    const { logger, onChange } = this.#parts
    if (unreadableCount > this.#unreadable) {
      logger.security({ event: 'tenants_unreadable', count: unreadableCount })
    }
    this.#unreadable = unreadableCount
    onChange(change)
  }

  #logState(state: TenantsState, tenants: StoredTenants): void {
    const { logger } = this.#parts
    switch (state) {
      case 'waiting':
        break
      case 'known':
        logger.security({ event: 'tenants_reached' })
        break
      case 'unreachable':
        logger.security({ event: 'tenants_unreachable' })
        break
      case 'lost':
        logger.security({ event: 'tenants_lost', count: tenants.missingCount })
        break
      case 'too_many':
        logger.security({ event: 'tenants_too_many', count: tenants.leftOutCount })
        break
    }
  }
}

/** What records of tenants may name. */
function namesIn({ upstreams, issuers }: GatewayConfiguration) {
  return {
    upstreams: new Set(upstreams.map(({ name }) => name)),
    issuers: issuers.map(({ name }) => name),
  }
}
