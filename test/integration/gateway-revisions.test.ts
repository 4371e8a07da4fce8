import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { handleRequest } from '../../src/gateway/handle-request.ts'
import type { Readiness } from '../../src/gateway/health.ts'
import { KeyRing } from '../../src/keys/key-ring.ts'
import { composeListener, createGateway } from '../../src/listener/compose.ts'
import { Explainer } from '../../src/listener/explainer.ts'
import { createThreadMemory } from '../../src/listener/thread-memory.ts'
import { ThreadRevisions } from '../../src/listener/thread-revisions.ts'
import { createLogBufferMemory, LogBuffer } from '../../src/observability/log-buffer.ts'
import { Logger } from '../../src/observability/logger.ts'
import { LearntRevocations } from '../../src/revocation/learnt-revocations.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { createBuffers } from '../../src/supervisor/shared-buffers.ts'
import { createIntrospectionMemory } from '../../src/threads/introspection-memory.ts'
import type { RevisionPlan } from '../../src/threads/listener-start.ts'
import type { SessionReader } from '../../src/verifiers/session/session-store.ts'
import { parseText } from '../support/configuration-text.ts'
import { until } from '../support/proxy-harness.ts'
import { RecordingExchange } from '../support/recording-exchange.ts'
import { type Echo, startEchoUpstream } from '../support/upstream-servers.ts'

const SESSION_ID = 'a-session-id-of-some-length-0123456789'
const READY: Readiness = { ready: true, status: 'ready', issuers: [] }

function configurationOf(upstreams: Readonly<Record<string, string>>, requestIdName: string) {
  return parseText(
    JSON.stringify({
      sessions: { store: 'memory', cookie: 'sid', ttl: '1h' },
      identity: { headers: { requestId: requestIdName } },
      upstreams: Object.fromEntries(
        Object.entries(upstreams).map(([name, origin]) => [name, { targets: [origin] }]),
      ),
      routes: [
        {
          name: 'all',
          match: { path: '/*' },
          upstream: Object.keys(upstreams)[0],
          authenticate: ['session'],
        },
      ],
    }),
  )
}

/** Sessions that are read when the test lets them. */
class HeldSessions implements SessionReader {
  readonly held: (() => void)[] = []

  getex() {
    return new Promise<{ ok: true; value: string }>((resolve) => {
      const record = { userId: 'alice', createdAt: systemClock.nowSeconds() }
      this.held.push(() => resolve({ ok: true, value: JSON.stringify(record) }))
    })
  }
  expireAt = () => Promise.resolve({ ok: true, value: 1 } as const)
  prolong = () => Promise.resolve({ ok: true, value: 1 } as const)
  delete = () => Promise.resolve({ ok: true, value: 1 } as const)
}

/** What a listener thread has, whatever its configuration is. */
function createThread() {
  const buffers = createBuffers(configurationOf({ a: 'http://127.0.0.1:9' }, 'X-A'))
  new LearntRevocations(buffers.learntRevocations).markLearnt()
  return { index: 0, buffers, memory: createThreadMemory({ index: 0, buffers }) }
}

/** What a listener thread composes, without its server. */
function composeIn(
  context: TestContext,
  { memory, ...start }: ReturnType<typeof createThread>,
  memorySessions: SessionReader,
  revisionId: number,
  configuration: ReturnType<typeof configurationOf>,
) {
  const log = createLogBufferMemory(65_536)
  const logger = new Logger(
    { level: 'error', thread: 0, sink: new LogBuffer(log, () => {}), alerts: null },
    systemClock,
  )
  const around = {
    memory,
    keyRing: new KeyRing(
      { keySets: [], askTimeoutMs: 1_000 },
      () => new Promise(() => {}),
      systemClock,
    ),
    logger,
    clock: systemClock,
    readiness: () => READY,
    memorySessions,
    onRedisState: () => {},
    onClaimPathUnmet: () => {},
    onWorkerProved: () => {},
    onWorkerLost: () => {},
  }
  const parts = composeListener(
    {
      ...start,
      revisionId,
      configuration,
      introspection: createIntrospectionMemory(configuration),
      signingKeys: null,
      tenants: { tenants: [], unreadable: [], gone: [], isComplete: true },
    },
    around,
  )
  const gateway = createGateway(parts.revision, around)
  context.after(async () => {
    memory.metrics.stop()
    await parts.lease.release()
  })
  return { ...parts, gateway }
}

function request(): RecordingExchange {
  return new RecordingExchange({
    path: '/a',
    headers: ['host', 'a', 'cookie', `sid=${SESSION_ID}`],
  })
}

/** Names of the fields that the upstream got. */
async function receivedNames(exchange: RecordingExchange): Promise<readonly string[]> {
  await until(() => exchange.finished, 'the answer')
  assert.equal(exchange.status, '200 OK')
  const { rawHeaders } = JSON.parse(Buffer.concat(exchange.chunks).toString()) as Echo
  return rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
}

describe('a request', () => {
  it('ends under the revision that it began under, whatever comes meanwhile', async (context) => {
    const [first, second] = [await startEchoUpstream(), await startEchoUpstream()]
    context.after(() => Promise.all([first.close(), second.close()]))
    const [thread, sessions] = [createThread(), new HeldSessions()]
    const before = configurationOf({ one: first.origin }, 'X-First-Id')
    const after = configurationOf({ two: second.origin }, 'X-Second-Id')
    const { gateway } = composeIn(context, thread, sessions, 1, before)
    const next = composeIn(context, thread, sessions, 2, after)
    const changing = { ...gateway }

    const old = request()
    handleRequest(changing, old)
    await until(() => sessions.held.length === 1, 'the session to be asked for')
    changing.revision = next.gateway.revision
    const young = request()
    handleRequest(changing, young)
    await until(() => sessions.held.length === 2, 'the other session to be asked for')
    for (const answer of sessions.held) answer()

    const [oldNames, youngNames] = [await receivedNames(old), await receivedNames(young)]
    assert.ok(oldNames.includes('x-first-id') && !oldNames.includes('x-second-id'))
    assert.ok(youngNames.includes('x-second-id') && !youngNames.includes('x-first-id'))
    assert.deepEqual([first.requests, second.requests], [1, 1])
  })
})

describe('revisions of one thread', () => {
  it('share what they have in common, and end what only one of them has', async (context) => {
    const upstream = await startEchoUpstream()
    context.after(() => upstream.close())
    const { origin } = upstream
    const [thread, sessions] = [createThread(), new HeldSessions()]
    const one = composeIn(context, thread, sessions, 1, configurationOf({ a: origin }, 'X-A'))
    const alone = thread.memory.resources.size
    const both = { a: origin, b: origin }
    const two = composeIn(context, thread, sessions, 2, configurationOf(both, 'X-B'))
    assert.equal(two.signatures, one.signatures)
    assert.equal(two.upstreams.get('a'), one.upstreams.get('a'))
    // The upstream, and what depends on identity headers: their names, and a view of the cache.
    assert.equal(thread.memory.resources.size, alone + 3)
    assert.deepEqual([one.gateway.revision.id, two.gateway.revision.id], [1, 2])

    await two.lease.release()
    assert.equal(thread.memory.resources.size, alone)
    const exchange = request()
    handleRequest(one.gateway, exchange)
    await until(() => sessions.held.length === 1, 'the session to be asked for')
    sessions.held[0]?.()
    assert.ok((await receivedNames(exchange)).includes('x-a'))
    await one.lease.release()
    assert.equal(thread.memory.resources.size, 0)
  })

  it('look through their routes once for the claims that they keep', async (context) => {
    const configuration = configurationOf({ a: 'http://127.0.0.1:9' }, 'X-A')
    let reads = 0
    const [route] = configuration.routes
    assert.ok(route !== undefined)
    const counting = {
      ...route.require,
      get claims() {
        // Only what looks for paths asks what is required before routes are made.
        if (new Error().stack?.includes('keptPathsOf') === true) reads += 1
        return route.require.claims
      },
    }
    const routes = [{ ...route, require: counting }]
    composeIn(context, createThread(), new HeldSessions(), 1, { ...configuration, routes })
    assert.equal(reads, 1)
  })

  it('end with what only they have, each behind its last request', async (context) => {
    const upstream = await startEchoUpstream()
    context.after(() => upstream.close())
    const { origin } = upstream
    const [thread, sessions] = [createThread(), new HeldSessions()]
    const configurations = [
      configurationOf({ a: origin }, 'X-A'),
      configurationOf({ a: origin, b: origin }, 'X-B'),
    ] as const
    const composed = (plan: Pick<RevisionPlan, 'revisionId' | 'configuration'>) =>
      composeIn(context, thread, sessions, plan.revisionId, plan.configuration)
    const planOf = (revisionId: number) => ({
      revisionId,
      configuration: configurations[revisionId % 2 === 0 ? 1 : 0],
      introspection: createIntrospectionMemory(configurations[0]),
      signingKeys: null,
      tenants: null,
    })
    const first = composed(planOf(1))
    const { gateway } = first
    let problem: string | null = null
    const revisions = new ThreadRevisions(first, {
      gateway,
      compose: composed,
      startProblem: () => Promise.resolve(problem),
      onCommit: () => {},
    })
    const { resources } = thread.memory
    const alone = resources.size

    const held = request()
    handleRequest(gateway, held)
    await until(() => sessions.held.length === 1, 'the session to be asked for')
    for (let revisionId = 2; revisionId <= 201; revisionId += 1) {
      assert.equal(await revisions.prepare(planOf(revisionId)), null)
      revisions.commit(revisionId)
    }
    // The first one still has its request, and the last one is like it.
    assert.deepEqual([gateway.revision.id, [...revisions.live].length], [201, 2])
    await until(() => resources.size === alone, 'the others to end')
    sessions.held[0]?.()
    assert.ok((await receivedNames(held)).includes('x-a'))
    assert.deepEqual([...revisions.live], [revisions.current])

    problem = 'something is missing'
    assert.equal(await revisions.prepare(planOf(202)), problem)
    problem = null
    assert.equal(await revisions.prepare(planOf(203)), null)
    assert.equal(await revisions.prepare(planOf(204)), null)
    revisions.drop(204)
    assert.deepEqual([...revisions.live], [revisions.current])
    assert.throws(() => revisions.commit(204))
    await until(() => resources.size === alone, 'what was prepared to end')
    assert.equal(gateway.revision.id, 201)
  })

  it('stay while a request is explained by them', async (context) => {
    const [thread, sessions] = [createThread(), new HeldSessions()]
    const configuration = configurationOf({ a: 'http://127.0.0.1:9' }, 'X-A')
    const composed = ({ revisionId }: Pick<RevisionPlan, 'revisionId'>) =>
      composeIn(context, thread, sessions, revisionId, configuration)
    const first = composed({ revisionId: 1 })
    const revisions = new ThreadRevisions(first, {
      gateway: first.gateway,
      compose: composed,
      startProblem: () => Promise.resolve(null),
      onCommit: () => {},
    })
    const explainer = new Explainer({
      current: () => revisions.current,
      requestLimits: configuration.server.limits,
      keptFields: new Set(),
    })
    const explained = explainer.explain({
      ...{ method: 'GET', url: '/a', host: null, headers: ['cookie', `sid=${SESSION_ID}`] },
      ...{ clientAddress: null, body: null, showValues: false },
    })
    await until(() => sessions.held.length === 1, 'the session to be asked for')

    const introspection = createIntrospectionMemory(configuration)
    const rest = { configuration, introspection, signingKeys: null, tenants: null }
    assert.equal(await revisions.prepare({ revisionId: 2, ...rest }), null)
    revisions.commit(2)
    assert.deepEqual([...revisions.live], [first, revisions.current])
    sessions.held[0]?.()
    assert.equal((await explained).outcome, 'passes')
    assert.deepEqual([...revisions.live], [revisions.current])
  })

  it('are immutable', (context) => {
    const configuration = configurationOf({ a: 'http://127.0.0.1:9' }, 'X-A')
    const { gateway } = composeIn(context, createThread(), new HeldSessions(), 1, configuration)
    assert.ok(Object.isFrozen(gateway.revision))
  })
})
