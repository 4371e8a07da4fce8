/**
 * One session lookup (GETEX), with 64 going on at a time, over one connection to a real server:
 * through our own batches, and through the client library's automatic and explicit pipelines.
 * Counts the CPU of this process only. Run: `node build/native-bench/session-lookup.js`.
 */
import { Redis } from 'ioredis'
import { RedisClient } from '../src/redis/redis-client.ts'
import { SALLYPORT_FORMAT } from '../src/verifiers/session/sallyport-format.ts'
import { sessionKey } from '../src/verifiers/session/session-key.ts'
import { SessionVerifier } from '../src/verifiers/session/session-verifier.ts'
import { eventually } from '../test/support/eventually.ts'
import { redisOptions } from '../test/support/redis-options.ts'
import { RedisServer } from '../test/support/redis-server.ts'
import { type BenchCase, runBench } from './bench.ts'

const CONCURRENT = 64
const SESSIONS = 1_000
const TTL_SECONDS = 1_800
const TIMES_PER_ROUND = 10_000
const NOW = 1_700_000_000
const KEY_PREFIX = 'sess:'

const server = await RedisServer.start()
const connections = new RedisClient(redisOptions([server.node]), {
  random: () => 0,
  onState: () => {},
  onOversizedRecord: () => {},
})
await eventually('Redis is ready', () => connections.stats.ready > 0)
const library = { ...server.node, enableOfflineQueue: false, maxRetriesPerRequest: 0 }
const automatic = new Redis({ ...library, enableAutoPipelining: true, commandTimeout: 100 })
const explicit = new Redis({ ...library, commandTimeout: 100 })
await eventually('the others are, too', () =>
  [automatic, explicit].every(({ status }) => status === 'ready'),
)
const verifier = new SessionVerifier(
  connections,
  { of: () => Promise.resolve(null), peek: () => Promise.resolve(null) },
  {
    keyPrefix: KEY_PREFIX,
    keyHash: 'sha256',
    format: SALLYPORT_FORMAT,
    ttlSeconds: TTL_SECONDS,
    absoluteTtlSeconds: 28_800,
    keepsAbsoluteTtl: true,
  },
)

const ids: string[] = []
const keys: string[] = []
for (let count = 0; count < SESSIONS; count += 1) {
  const id = `session-of-somebody-in-particular-${count}`
  const key = sessionKey(KEY_PREFIX, 'sha256', id)
  const session = {
    userId: `248289761001-${count}`,
    email: `person-${count}@example.com`,
    roles: ['admin', 'billing', 'support'],
    scopes: ['orders:read', 'orders:write'],
    tenantId: 'acme',
    createdAt: NOW,
    expiresAt: NOW + 28_800,
  }
  await connections.set(key, JSON.stringify(session), TTL_SECONDS)
  ids.push(id)
  keys.push(key)
}

let pipeline: ReturnType<Redis['pipeline']> | null = null

function throughExplicitPipeline(key: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (pipeline === null) {
      const current = explicit.pipeline()
      pipeline = current
      setImmediate(() => {
        pipeline = null
        void current.exec()
      })
    }
    pipeline.getex(key, 'EX', TTL_SECONDS, (error, value) => {
      if (error === null || error === undefined) resolve(value)
      else reject(error)
    })
  })
}

function lookupCase(
  name: string,
  subjects: readonly string[],
  look: (subject: string) => Promise<unknown>,
): BenchCase {
  const run = async (times: number): Promise<void> => {
    let next = 0
    const client = async () => {
      while (next < times) {
        const subject = subjects[next % SESSIONS] as string
        next += 1
        await look(subject)
      }
    }
    await Promise.all(Array.from({ length: CONCURRENT }, client))
  }
  return { name, run, timesPerRound: TIMES_PER_ROUND }
}

const cases: BenchCase[] = [
  lookupCase('own batches', keys, (key) => connections.getex(key, TTL_SECONDS)),
  lookupCase('ioredis, automatic pipelines', keys, (key) =>
    automatic.getex(key, 'EX', TTL_SECONDS),
  ),
  lookupCase('ioredis, one pipeline() a turn', keys, throughExplicitPipeline),
  lookupCase('own batches, whole verification', ids, (id) => verifier.verify(id, NOW)),
]
await runBench('session lookup, 64 at a time', cases, () => {
  const { commands, writes } = connections.stats
  return `${(commands / writes).toFixed(1)} commands a write through own batches`
})
connections.close()
automatic.disconnect()
explicit.disconnect()
await server.stop()
