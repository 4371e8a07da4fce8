/** The supervisor's sessions: the store in memory, and the registry for the admin listener. */
import type { SessionsConfiguration } from '../config/sections/sessions.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import type { RedisClient } from '../redis/redis-client.ts'
import type { Clock } from '../runtime/clock.ts'
import { randomHex } from '../runtime/randomness.ts'
import type { StoreCall } from '../threads/messages.ts'
import { MemorySessionStore } from '../verifiers/session/memory-session-store.ts'
import { SESSION_FORMATS } from '../verifiers/session/session-formats.ts'
import { type RegistryRules, SessionRegistry } from '../verifiers/session/session-registry.ts'
import type { SessionStore, StoreReply } from '../verifiers/session/session-store.ts'
import { connectSupervisor } from './supervisor-redis.ts'

const SESSION_ID_BYTES = 32

export class SupervisorSessions {
  readonly #memory: MemorySessionStore
  readonly #clock: Clock
  #registry: SessionRegistry | null = null
  #redis: RedisClient | null = null

  constructor(configuration: GatewayConfiguration, clock: Clock) {
    this.#memory = new MemorySessionStore(clock)
    this.#clock = clock
    this.use(configuration)
  }

  /** `null`: there are no sessions, or their format is that of another program. */
  get registry(): SessionRegistry | null {
    return this.#registry
  }

  /** Another configuration is committed, with the same Redis. Sessions in memory stay. */
  use({ sessions, redis }: GatewayConfiguration): void {
    const isManaged = sessions !== null && SESSION_FORMATS[sessions.format].isOwn
    const isInRedis = isManaged && sessions.store === 'redis'
    if (isInRedis && redis !== null) this.#redis ??= connectSupervisor(redis)
    const store = (isInRedis ? this.#redis : null) ?? this.#memory
    this.#registry = isManaged
      ? new SessionRegistry(store, registryRules(sessions), this.#clock, () =>
          randomHex(SESSION_ID_BYTES),
        )
      : null
  }

  /** What a listener thread asks of the store in memory. */
  answer(call: StoreCall): Promise<StoreReply<unknown>> {
    return answerStoreCall(this.#memory, call)
  }

  close(): void {
    this.#redis?.close()
  }
}

/** In the format that is managed here there is a `ttl`. */
function registryRules(sessions: SessionsConfiguration): RegistryRules {
  const { keyPrefix, keyHash, ttlSeconds, absoluteTtlSeconds } = sessions
  return { keyPrefix, keyHash, ttlSeconds: ttlSeconds ?? absoluteTtlSeconds, absoluteTtlSeconds }
}

/** Carries out what a listener thread asked for. */
function answerStoreCall(store: SessionStore, call: StoreCall): Promise<StoreReply<unknown>> {
  switch (call.name) {
    case 'getex':
      return store.getex(call.key, call.seconds)
    case 'expireAt':
      return store.expireAt(call.key, call.seconds)
    case 'prolong':
      return store.prolong(call.key, call.seconds)
    case 'delete':
      return store.delete(call.key)
  }
}
