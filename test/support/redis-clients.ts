/** Connections to Redis that end with their test and remember what they told of themselves. */
import { RedisClient } from '../../src/redis/redis-client.ts'
import type { RedisClientOptions, RedisNode } from '../../src/redis/redis-options.ts'
import type { RedisState } from '../../src/redis/redis-pool.ts'
import type { RedisReply } from '../../src/redis/redis-reply.ts'
import { eventually } from './eventually.ts'
import { redisOptions } from './redis-options.ts'
import { watchStarvation } from './starvation.ts'

export interface WatchedConnections {
  readonly redis: RedisClient
  readonly states: readonly RedisState[]
}

export class RedisClients {
  readonly #open: RedisClient[] = []

  /** Without waiting for a connection. */
  create(
    nodes: readonly RedisNode[],
    changes: Partial<RedisClientOptions> = {},
  ): WatchedConnections {
    const states: RedisState[] = []
    const redis = new RedisClient(redisOptions(nodes, changes), {
      random: () => 0.5,
      onState: (state) => states.push(state),
      onOversizedRecord: () => {},
    })
    this.#open.push(redis)
    return { redis, states }
  }

  /** With all of the least number of connections. */
  async connect(
    nodes: readonly RedisNode[],
    changes: Partial<RedisClientOptions> = {},
  ): Promise<WatchedConnections> {
    const watched = this.create(nodes, changes)
    await eventually('all connections are ready', () => {
      const { open, ready } = watched.redis.stats
      return ready === open
    })
    return watched
  }

  closeAll(): void {
    for (const redis of this.#open.splice(0)) redis.close()
  }
}

export interface Timed<T> {
  readonly reply: RedisReply<T>
  /** Without the time in which the machine let this process wait. */
  readonly durationMs: number
}

export async function timed<T>(work: Promise<RedisReply<T>>): Promise<Timed<T>> {
  const startMs = performance.now()
  const starvedMs = watchStarvation()
  const reply = await work
  return { reply, durationMs: performance.now() - startMs - starvedMs() }
}
