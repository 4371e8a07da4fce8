/**
 * Listener threads that die under load. A dying thread takes its connections and its verification
 * threads along; everything else must not even notice.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { liveToken, publishedJwk } from '../support/live-token.ts'
import { AUDIENCE, ISSUER, mintKey } from '../support/mint-token.ts'
import { openRaw } from '../support/raw-http.ts'
import { SteadyLoad } from '../support/steady-load.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

const LISTENERS = 2
const CLIENTS = 16
const CRASHES = 4
const KNOWN_TOKENS = 40
const DEADLINE_MS = 15_000
const RESTARTS = 'sallyport_listener_restarts_total'
const VERIFIED = 'sallyport_verification_tokens_total'
/** Less than the isolates of the threads that died. */
const EXTRA_BYTES_MAX = 64 * 2 ** 20

const key = mintKey('ES256')
let directory = ''
let upstream: UpstreamServer
let gateway: TestGateway
const loads: SteadyLoad[] = []

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-deaths-'))
  writeFileSync(join(directory, 'keys.json'), JSON.stringify({ keys: [publishedJwk(key)] }))
  upstream = await startEchoUpstream()
})

after(async () => {
  await upstream.close()
  rmSync(directory, { recursive: true })
})

beforeEach(async () => {
  const issuer = { issuer: ISSUER, audiences: [AUDIENCE] }
  gateway = await openGateway({
    upstream: [upstream.origin],
    issuers: { main: { ...issuer, jwks: { file: join(directory, 'keys.json') } } },
    authenticate: ['jwt'],
    upstreams: { slow: { targets: [upstream.origin] } },
    environment: { SALLYPORT_LISTENER_THREADS: String(LISTENERS) },
  })
})

afterEach(async () => {
  for (const load of loads.splice(0)) await load.stop()
  assert.equal(await gateway.stop(), 0, 'it ends as if nothing had happened')
})

/** How often a thread said that it listens. */
function starts(): number {
  return gateway.log.filter(({ event }) => event === 'listener_started').length
}

/** Makes a thread die, and waits until its successor serves. */
async function crash(index: number): Promise<void> {
  const startsBefore = starts()
  await gateway.crashListener(index)
  await eventually('the successor listens', () => starts() > startsBefore)
}

/** Ends with the test at the latest. */
function startLoad(nextToken: () => string | null): SteadyLoad {
  const load = new SteadyLoad({ origin: gateway.origin, clients: CLIENTS, nextToken })
  loads.push(load)
  return load
}

function knownTokens(): () => string {
  const tokens = Array.from({ length: KNOWN_TOKENS }, () => liveToken(key, ISSUER))
  let next = 0
  return () => tokens[next++ % KNOWN_TOKENS] ?? ''
}

/** As many as it takes: how fast they are answered must not decide whether the load lasts. */
function newTokens() {
  const state = { issued: 0, isOver: false }
  const next = (): string | null => {
    if (state.isOver) return null
    state.issued += 1
    return liveToken(key, ISSUER)
  }
  return { state, next }
}

describe('a listener thread that dies under load', () => {
  it('costs only its own requests in flight', async () => {
    const load = startLoad(knownTokens())
    await eventually('the load has begun', () => load.answered > 500)
    for (let count = 0; count < CRASHES; count += 1) {
      const answeredBefore = load.answered
      await crash(count % LISTENERS)
      await eventually('requests are answered again', () => load.answered > answeredBefore + 200)
    }
    await load.stop()
    assert.deepEqual([...load.statuses.keys()], [200])
    // Each client has one request in flight. One more may have been given to the thread that died.
    assert.ok(load.unanswered <= CRASHES * CLIENTS * 2, `${load.unanswered} requests were cut`)
    assert.ok(
      load.unanswered < load.answered / 10,
      `${load.unanswered} of ${load.answered} requests were cut`,
    )
  })

  it('is replaced, counted and reported', async () => {
    await crash(1)
    assert.equal(await gateway.metric(RESTARTS), 1)
    const failure = gateway.log.find(({ event }) => event === 'unexpected_failure')
    assert.equal(failure?.['where'], 'listener')
    const event = gateway.log.find(({ event }) => event === 'listener_restarted')
    assert.deepEqual([event?.['thread'], event?.['restarts']], [1, 1])
    assert.equal(await gateway.isReady(), true)
  })

  it('leaves what was cached in the memory that all threads share', async () => {
    const tokens = Array.from({ length: KNOWN_TOKENS }, () => liveToken(key, ISSUER))
    const askAll = async () => {
      const left = [...tokens]
      const load = startLoad(() => left.pop() ?? null)
      await load.finished()
      assert.deepEqual([...load.statuses], [[200, KNOWN_TOKENS]])
    }
    await askAll()
    assert.equal(await gateway.metric(VERIFIED), KNOWN_TOKENS)
    for (let index = 0; index < LISTENERS; index += 1) await crash(index)
    await askAll()
    assert.equal(await gateway.metric(VERIFIED), KNOWN_TOKENS, 'no signature is checked again')
  })

  it('takes its verification threads along, and no good token is ever refused', async () => {
    const tokens = newTokens()
    const load = startLoad(tokens.next)
    for (let count = 0; count < CRASHES; count += 1) {
      const answeredBefore = load.answered
      await eventually('new tokens are being verified', () => load.answered > answeredBefore + 50)
      await crash(count % LISTENERS)
    }
    tokens.state.isOver = true
    await load.finished()
    assert.deepEqual([...load.statuses], [[200, tokens.state.issued]])
  })

  it('cuts a request that waits for its upstream', async () => {
    const token = liveToken(key, ISSUER)
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, () => openRaw({ port: gateway.port })),
    )
    const requestsBefore = upstream.requests
    for (const client of clients) {
      client.send(
        `GET /slow?ms=60000 HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\n\r\n`,
      )
    }
    await eventually('all are in work', () => upstream.requests === requestsBefore + CLIENTS)
    for (let index = 0; index < LISTENERS; index += 1) await gateway.crashListener(index)
    for (const client of clients) {
      await client.waitForClose(DEADLINE_MS)
      assert.equal(client.text, '')
    }
    await eventually('both are back', () => starts() === 2 * LISTENERS)
  })
})

describe('listener threads that die again and again', () => {
  it('leave neither threads nor memory behind', async () => {
    const load = startLoad(knownTokens())
    // What a thread's first death and the load need once and for all is no leak.
    await crash(0)
    const threadsOf = () => readdirSync(`/proc/${gateway.processId}/task`).length
    const settledThreads = threadsOf()
    const settledBytes = await gateway.residentBytes()
    for (let count = 0; count < CRASHES; count += 1) await crash(0)
    await eventually('the threads of the dead are gone', () => threadsOf() <= settledThreads)
    const extraBytes = (await gateway.residentBytes()) - settledBytes
    assert.ok(extraBytes < EXTRA_BYTES_MAX, `${extraBytes} bytes more`)
    await load.stop()
    assert.deepEqual([...load.statuses.keys()], [200])
    assert.equal(await gateway.metric(RESTARTS), CRASHES + 1)
  })

  it('all at once: the process stays, and serves again', async () => {
    for (let round = 0; round < 2; round += 1) {
      const startsBefore = starts()
      for (let index = 0; index < LISTENERS; index += 1) await gateway.crashListener(index)
      await eventually('all are back', () => starts() === startsBefore + LISTENERS)
    }
    const left = [liveToken(key, ISSUER)]
    const load = startLoad(() => left.pop() ?? null)
    await load.finished()
    assert.deepEqual([...load.statuses], [[200, 1]])
    assert.equal(await gateway.metric(RESTARTS), 2 * LISTENERS)
  })
})
