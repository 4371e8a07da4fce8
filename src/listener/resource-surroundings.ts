/** What everything in a listener thread that outlives a configuration is made with. */
import type { Logger } from '../observability/logger.ts'
import type { RedisState } from '../redis/redis-pool.ts'
import type { Clock } from '../runtime/clock.ts'
import type { SignaturePoolOptions } from '../verifiers/jwt/signature-pool.ts'
import type { ThreadMemory } from './thread-memory.ts'

export interface ResourceSurroundings {
  /** Of the thread. */
  readonly memory: ThreadMemory
  readonly clock: Clock
  readonly logger: Logger
  readonly onRedisState: (state: RedisState) => void
  readonly onWorkerProved: SignaturePoolOptions['onWorkerProved']
  readonly onWorkerLost: SignaturePoolOptions['onWorkerLost']
}
