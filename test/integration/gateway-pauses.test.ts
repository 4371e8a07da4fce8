/** The whole process stands still for a moment, as when its share of a processor is used up. */
import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { outcomeOf } from '../support/gateway-answer.ts'
import { MASTER_NAME, RedisCluster, RedisSentinels, RedisServer } from '../support/redis-server.ts'
import { slowness } from '../support/starvation.ts'
import { newSessionId, sha256 } from '../support/stored-credentials.ts'
import { SwitchedProxy } from '../support/switched-proxy.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

/** The time that Redis has for an answer, and how many times as long the pauses are. */
const COMMAND_MS = 100
const PAUSES = [1.5, 2.5, 4]
const ROUNDS = 5
/** More where it depends on the moment in which the pause begins. */
const CLUSTER_ROUNDS = 12
const CLIENTS = 16
/** So that at any moment answers are on their way. */
const ANSWER_DELAY_MS = 20

/** Between two questions to a server about how fast it answers. */
const PROBE_MS = 5

const NANOS_PER_MS = 1_000_000
/** Of all rounds, so many times as many at most, where a busy machine makes some say nothing. */
const ATTEMPTS_FACTOR = 4

/**
 * Watches what a busy machine makes late: answers of these servers, and this process, which hands
 * them on.
 *
 * @returns Asked: the longest that either took since it was asked last, in milliseconds.
 */
function watchLateness(servers: readonly RedisServer[], isOver: () => boolean): () => number {
  const standstill = monitorEventLoopDelay({ resolution: 5 })
  standstill.enable()
  let longestMs = 0
  const probe = async (server: RedisServer) => {
    while (!isOver()) {
      const askedAtMs = performance.now()
      await server.command('ping')
      longestMs = Math.max(longestMs, performance.now() - askedAtMs)
      await delay(PROBE_MS)
    }
  }
  // A server that ends meanwhile fails the test by itself.
  for (const server of servers) void probe(server).catch(() => {})
  return () => {
    const asked = Math.max(longestMs, standstill.max / NANOS_PER_MS)
    longestMs = 0
    standstill.reset()
    return asked
  }
}

/**
 * Sessions of all clients while the gateway is paused again and again. A round says nothing in
 * which a server or this process took half the time that answers have, nor does the one behind it:
 * such answers are late.
 *
 * @returns `null`: the machine is too busy to tell.
 */
async function outcomesDuringPauses(
  parts: TestGateway,
  ids: readonly string[],
  servers: readonly RedisServer[],
  commandMs: number,
  rounds = ROUNDS,
): Promise<Set<string> | null> {
  const { processId } = parts
  const outcomes = new Set<string>()
  let ofRound = new Set<string>()
  let isOver = false
  const lateness = watchLateness(servers, () => isOver)
  const client = async (_: unknown, number: number) => {
    const id = ids[number % ids.length] ?? ''
    while (!isOver) {
      ofRound.add(outcomeOf(await parts.ask('/s/x', { cookie: `__Host-sid=${id}` })))
    }
  }
  const load = Array.from({ length: CLIENTS }, client)
  let told = 0
  let wasLate = false
  for (let round = 0; told < rounds && round < rounds * ATTEMPTS_FACTOR; round += 1) {
    for (const times of PAUSES) {
      process.kill(processId, 'SIGSTOP')
      await delay(times * commandMs)
      process.kill(processId, 'SIGCONT')
      await delay(50 + (round % ROUNDS))
    }
    const isLate = lateness() >= commandMs / 2
    if (!isLate && !wasLate) {
      for (const outcome of ofRound) outcomes.add(outcome)
      told += 1
    }
    wasLate = isLate
    ofRound = new Set()
  }
  isOver = true
  await Promise.all(load)
  return told < rounds ? null : outcomes
}

/** A machine that is too busy to tell is no fault of the gateway. */
function assertAllPassed(context: TestContext, outcomes: Set<string> | null): void {
  if (outcomes === null) context.skip('the machine is too busy to tell')
  else assert.deepEqual([...outcomes], ['passed'])
}

function startedGateway(redis: object, commandMs: number): Promise<TestGateway> {
  const patient = { connectTimeout: '5s', commandTimeout: `${commandMs}ms` }
  return openGateway({
    redis: { ...redis, ...patient },
    sessions: { ttl: '60s' },
    routes: { '/s/*': { authenticate: ['session'] } },
    environment: { SALLYPORT_LISTENER_THREADS: '1' },
  })
}

describe('a pause of the whole gateway', () => {
  let server: RedisServer
  let slow: SwitchedProxy
  before(async () => {
    server = await RedisServer.start()
    slow = await SwitchedProxy.start(server.port)
    slow.answerDelayMs = ANSWER_DELAY_MS
  })
  after(async () => {
    await slow.stop()
    await server.stop()
  })

  it('refuses no session whose answer from Redis has arrived meanwhile', async (context) => {
    const commandMs = Math.ceil(COMMAND_MS * slowness())
    const parts = await startedGateway({ nodes: [slow.address] }, commandMs)
    try {
      const id = newSessionId()
      await server.command('set', `sess:${sha256(id)}`, '{"userId":"u"}', 'EX', '600')
      await eventually('it works', async () => {
        return outcomeOf(await parts.ask('/s/x', { cookie: `__Host-sid=${id}` })) === 'passed'
      })
      assertAllPassed(context, await outcomesDuringPauses(parts, [id], [server], commandMs))
    } finally {
      await parts.stop()
    }
  })
})

describe('a pause of the whole gateway with several servers of Redis', () => {
  /** Sessions on all nodes. */
  const ids = Array.from({ length: CLIENTS }, newSessionId)

  async function assertNoneRefused(
    context: TestContext,
    redis: object,
    servers: readonly RedisServer[],
    masterOf: (key: string) => Promise<RedisServer> | RedisServer,
  ): Promise<void> {
    const commandMs = Math.ceil(COMMAND_MS * slowness())
    const parts = await startedGateway(redis, commandMs)
    try {
      for (const id of ids) {
        const key = `sess:${sha256(id)}`
        const master = await masterOf(key)
        await master.command('set', key, '{"userId":"u"}', 'EX', '600')
        await eventually('it works', async () => {
          return outcomeOf(await parts.ask('/s/x', { cookie: `__Host-sid=${id}` })) === 'passed'
        })
      }
      const outcomes = await outcomesDuringPauses(parts, ids, servers, commandMs, CLUSTER_ROUNDS)
      assertAllPassed(context, outcomes)
    } finally {
      await parts.stop()
    }
  }

  it('refuses no session in a cluster, where it has not even asked for some of them', async (context) => {
    const cluster = await RedisCluster.start()
    try {
      const redis = { mode: 'cluster', nodes: cluster.addresses }
      await assertNoneRefused(context, redis, cluster.servers, (key) => cluster.masterOf(key))
    } finally {
      await cluster.stop()
    }
  })

  it('refuses no session of a master that sentinels watch', async (context) => {
    const set = await RedisSentinels.start()
    try {
      const redis = { mode: 'sentinel', nodes: set.addresses, masterName: MASTER_NAME }
      await assertNoneRefused(context, redis, set.servers, () => set.servers[0])
    } finally {
      await set.stop()
    }
  })
})
