/** What the supervisor keeps beside keys: sessions, tenants and revocations. */
import type { GatewayConfiguration } from '../config/sections.ts'
import type { Logger } from '../observability/logger.ts'
import { systemClock } from '../runtime/clock.ts'
import type { TenantsChange } from '../tenants/tenants-change.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { SupervisorRevocations } from './supervisor-revocations.ts'
import { SupervisorSessions } from './supervisor-sessions.ts'
import { SupervisorTenants } from './supervisor-tenants.ts'

export interface SupervisorStoresParts {
  /** Memory of the revocation index. */
  readonly revocations: SharedArrayBuffer
  readonly learntRevocations: SharedArrayBuffer
  readonly keys: IssuerKeys
  readonly logger: Logger
  readonly onTenants: (change: TenantsChange) => void
  /** Everything that is in force elsewhere has been learnt once. */
  readonly onRevocationsLearnt: () => void
}

export class SupervisorStores {
  readonly sessions: SupervisorSessions
  readonly tenants: SupervisorTenants
  readonly revocations: SupervisorRevocations
  readonly #connectTimeoutMs: number

  constructor(configuration: GatewayConfiguration, parts: SupervisorStoresParts) {
    const { keys, logger, onTenants, onRevocationsLearnt } = parts
    const clock = systemClock
    this.#connectTimeoutMs = configuration.redis?.connectTimeoutMs ?? 0
    this.sessions = new SupervisorSessions(configuration, clock)
    this.tenants = new SupervisorTenants(configuration, { clock, logger, onChange: onTenants })
    this.revocations = new SupervisorRevocations(configuration, {
      buffer: parts.revocations,
      learntBuffer: parts.learntRevocations,
      keys,
      clock,
      logger,
      onLearnt: onRevocationsLearnt,
    })
  }

  /** Another configuration is committed, with the same Redis. */
  use(configuration: GatewayConfiguration): void {
    this.sessions.use(configuration)
    this.tenants.use(configuration)
    this.revocations.use(configuration)
  }

  /** Settles when each has looked once; a store that is down holds nothing up for long. */
  async start(): Promise<void> {
    await this.revocations.start()
    await this.tenants.start(this.#connectTimeoutMs)
  }

  async stop(): Promise<void> {
    this.sessions.close()
    this.tenants.stop()
    await this.revocations.stop()
  }
}
