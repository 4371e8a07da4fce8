/**
 * Makes another configuration ready in every part of the process, and puts it to use in all of them
 * in one turn, or in none.
 */
import { isDeepStrictEqual } from 'node:util'
import type { GatewayConfiguration } from '../config/sections.ts'
import { type IntrospectionMemory, withIssuersOf } from '../threads/introspection-memory.ts'
import type { RevisionPlan } from '../threads/listener-start.ts'
import { StartError } from '../threads/start-error.ts'
import type { PreparedConfiguration } from './configuration-reloads.ts'
import type { InternalTokenKeys } from './internal-token-keys.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import type { RunningListeners } from './running-listeners.ts'
import type { SupervisorStores } from './supervisor-stores.ts'
import { verificationPlacesMax, verificationPlacesRoom } from './verification-keys-max.ts'

export interface ConfigurationPreparationParts {
  readonly keys: IssuerKeys
  readonly signingKeys: InternalTokenKeys
  readonly stores: SupervisorStores
  readonly listeners: RunningListeners
  /** It is in use from now on, in every part that is named here. */
  readonly onCommit: (
    configuration: GatewayConfiguration,
    introspection: IntrospectionMemory,
  ) => void
}

const NO_ROOM = 'issuers need a restart: there is no room for so many new ones in this process'

export class ConfigurationPreparation {
  readonly #parts: ConfigurationPreparationParts
  /** Keys for which there is room, whatever the issuers are. */
  readonly #placesMax: number
  #introspection: IntrospectionMemory
  #current: GatewayConfiguration

  constructor(
    first: GatewayConfiguration,
    introspection: IntrospectionMemory,
    parts: ConfigurationPreparationParts,
  ) {
    this.#current = first
    this.#introspection = introspection
    this.#placesMax = verificationPlacesRoom(first.issuers)
    this.#parts = parts
  }

  /** For a thread that starts. */
  wholePlan(revisionId: number): RevisionPlan {
    return {
      revisionId,
      configuration: this.#current,
      introspection: this.#introspection,
      signingKeys: this.#parts.signingKeys.snapshot(),
      tenants: this.#parts.stores.tenants.whole(this.#current),
    }
  }

  /** @returns Problems, when a part cannot serve it; nothing has changed then. */
  async prepare(
    next: GatewayConfiguration,
    revisionId: number,
  ): Promise<PreparedConfiguration | readonly string[]> {
    const { keys, signingKeys, stores, listeners } = this.#parts
    const introspection = withIssuersOf(this.#introspection, next)
    // Keys of issuers that change their source are there twice for a moment.
    const hasRoom = verificationPlacesMax(next.issuers) * 2 <= this.#placesMax
    if (introspection === null || !hasRoom) return [NO_ROOM]
    try {
      // They stay when the rest fails: that they are there changes nothing.
      await signingKeys.startFor(next)
    } catch (error) {
      if (error instanceof StartError) return [error.message]
      throw error
    }
    const issuers = await keys.prepare(next)
    const problem = await listeners.prepareRevision({
      revisionId,
      configuration: next,
      introspection,
      signingKeys: signingKeys.snapshot(),
      tenants: isSameForTenants(this.#current, next) ? null : stores.tenants.whole(next),
    })
    if (problem !== null) {
      issuers.drop()
      listeners.notify('drop_revision', revisionId)
      return [problem]
    }
    return {
      commit: () => {
        this.#current = next
        this.#introspection = introspection
        // Before requests begin under it: messages arrive in the order in which they are sent.
        issuers.commit()
        const haveBegun = listeners.commitRevision(revisionId)
        stores.use(next)
        this.#parts.onCommit(next, introspection)
        return haveBegun
      },
    }
  }
}

/** Whether threads that have the tenants for the one have them for the other. */
function isSameForTenants(one: GatewayConfiguration, other: GatewayConfiguration): boolean {
  const settings = ({ issuers, tenants }: GatewayConfiguration) => ({
    issuers: issuers.map(({ name, issuer, placeholder }) => ({ name, issuer, placeholder })),
    configured: tenants?.registry ?? [],
  })
  return isDeepStrictEqual(settings(one), settings(other))
}
