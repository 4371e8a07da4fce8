/** The supervisor's connections to Redis: few, and never in the way of a request. */
import type { RedisConfiguration } from '../config/sections/redis.ts'
import { RedisClient } from '../redis/redis-client.ts'
import { randomFraction } from '../runtime/randomness.ts'

const IDLE_MS = 30_000

/**
 * One connection. It never reads from replicas: operators do one thing after the other, and want to
 * see what they did a moment ago.
 *
 * @param onReady Told whenever it is connected.
 */
export function connectSupervisor(
  redis: RedisConfiguration,
  onReady: () => void = () => {},
): RedisClient {
  return new RedisClient(
    {
      ...redis,
      connectionsMin: 1,
      connectionsMax: 1,
      idleMs: IDLE_MS,
      readFromReplicas: false,
    },
    {
      random: randomFraction,
      onState: (state) => {
        if (state === 'ready') onReady()
      },
      onOversizedRecord: () => {},
    },
  )
}
