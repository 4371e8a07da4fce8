/** The supervisor's tenants: those of the configuration, and those that Redis holds. */
import type {
  GatewayConfiguration,
  TenantConfiguration,
  TenantsConfiguration,
} from '../config/gateway-configuration.ts'
import type { Logger } from '../observability/logger.ts'
import type { Clock } from '../resilience/clock.ts'
import type { RedisConnections } from '../resilience/redis-connections.ts'
import { assertInvariant } from '../shared-memory/invariant.ts'
import { parseTenantId, type Tenant } from '../tenants/tenant.ts'
import { TENANTS_MAX } from '../tenants/tenant-registry.ts'
import { type StoredTenants, TenantWatcher } from '../tenants/tenant-watcher.ts'
import { connectSupervisor } from './supervisor-redis.ts'

/** How soon a change that was announced is seen. */
const POLL_INTERVAL_MS = 200
/** No request waits for it, and a hundred thousand tenants take a while. */
const COMMAND_TIMEOUT_MS = 10_000
const NONE: StoredTenants = { tenants: [], unreadable: [] }

/** All that is known of tenants, as listener threads receive it. */
export interface TenantsSnapshot {
  readonly tenants: readonly Tenant[]
  /** Names of which nobody can say whether they are tenants. */
  readonly unreadable: readonly string[]
  /** Whether a name that is not among them is certainly no tenant. */
  readonly isComplete: boolean
}

export interface SupervisorTenantsParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly onChange: (snapshot: TenantsSnapshot) => void
}

export class SupervisorTenants {
  readonly #configured: readonly Tenant[]
  readonly #redis: RedisConnections | null
  readonly #watcher: TenantWatcher | null
  #stored: StoredTenants | null

  constructor(configuration: GatewayConfiguration, parts: SupervisorTenantsParts) {
    const { tenants, redis } = configuration
    this.#configured = (tenants?.registry ?? []).map(configuredTenant)
    this.#stored = tenants?.redis === true ? null : NONE
    this.#redis =
      tenants?.redis === true && redis !== null
        ? connectSupervisor({ ...redis, commandTimeoutMs: COMMAND_TIMEOUT_MS })
        : null
    this.#watcher =
      this.#redis && tenants && this.#watch(this.#redis, tenants, configuration, parts)
  }

  /** Settles after the first look, which must not hold up everything else. */
  async start(connectTimeoutMs: number): Promise<void> {
    await this.#redis?.whenReady(connectTimeoutMs)
    await this.#watcher?.start()
  }

  /** Whether a name that is not known is certainly no tenant. */
  get isComplete(): boolean {
    return this.#stored !== null
  }

  /** Tenants of the configuration win over those of the same name in Redis. */
  snapshot(): TenantsSnapshot {
    const { tenants, unreadable } = this.#stored ?? NONE
    const names = new Set(this.#configured.map(({ id }) => id as string))
    return {
      tenants: [...this.#configured, ...tenants.filter(({ id }) => !names.has(id))],
      unreadable: unreadable.filter((name) => !names.has(name)),
      isComplete: this.isComplete,
    }
  }

  stop(): void {
    this.#watcher?.stop()
    this.#redis?.close()
  }

  #watch(
    redis: RedisConnections,
    { key, refreshIntervalMs }: TenantsConfiguration,
    { upstreams }: GatewayConfiguration,
    { clock, logger, onChange }: SupervisorTenantsParts,
  ): TenantWatcher {
    return new TenantWatcher(
      {
        pollIntervalMs: POLL_INTERVAL_MS,
        refreshIntervalMs,
        tenantsMax: TENANTS_MAX - this.#configured.length,
        upstreams: new Set(upstreams.map(({ name }) => name)),
      },
      {
        store: {
          async version() {
            const reply = await redis.get(`${key}:version`)
            return reply.ok ? (reply.value ?? '') : null
          },
          async records() {
            const reply = await redis.hash(key)
            return reply.ok ? reply.value : null
          },
        },
        monotonicMs: () => clock.monotonicMs(),
        onTenants: (stored) => {
          this.#stored = stored
          const count = stored.unreadable.length
          if (count > 0) logger.security({ event: 'tenants_unreadable', count })
          onChange(this.snapshot())
        },
        onState: (isReached) =>
          logger.security({ event: isReached ? 'tenants_reached' : 'tenants_unreachable' }),
      },
    )
  }
}

/** The configuration has judged its name. */
function configuredTenant({ name, ...rest }: TenantConfiguration): Tenant {
  const id = parseTenantId(name)
  assertInvariant(id !== null, 'the configuration has judged the name of the tenant')
  return { id, ...rest }
}
