/**
 * Promise 6: whatever a client sends ends in bounded memory and bounded CPU, also when the client
 * reads nothing of what it asked for, or asks for thousands of things at once. Real processes and
 * sockets; none of these clients has a credential.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { FaultyServer } from '../support/faulty-server.ts'
import { ask } from '../support/gateway-answer.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { publishedJwk } from '../support/live-token.ts'
import { mintKey } from '../support/mint-token.ts'
import { openRaw } from '../support/raw-http.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'

const MIB = 1_048_576
/** What a minute of attack may cost at most, and more than any of these needs. */
const GROWTH_MAX_BYTES = 96 * MIB
const FLOOD_REQUESTS = 600_000
const PIPELINED = 1_000
/** As much as an upstream's answer may have to be passed on whole. */
const ANSWER_BYTES = 60_000

const LARGE_HEAD = { 'x-large': 'a'.repeat(8_000) }

const ONE_THREAD = { SALLYPORT_LISTENER_THREADS: '1' }

const key = mintKey('ES256', 'key')
/** Called when the upstream has answered what a connection of this number asked for. */
const onAnswered = new Map<string, () => void>()
let keys: FaultyServer
let upstream: Server
let configuration = ''
let gateway: TestGateway

before(async () => {
  keys = await FaultyServer.start()
  keys.publish(publishedJwk(key))
  const answer = Buffer.alloc(ANSWER_BYTES, 'a')
  upstream = createServer((request, response) => {
    const [path = '', connection = ''] = request.url?.split('?') ?? []
    response.on('close', () => onAnswered.get(connection)?.())
    if (path === '/public/nothing') response.writeHead(204, LARGE_HEAD).end()
    else response.end(answer)
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  configuration = gatewayText({
    authenticate: ['jwt'],
    upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    issuers: {
      main: {
        issuer: 'https://idp.example.com/',
        audiences: ['api'],
        jwks: { uri: keys.jwksUri },
      },
    },
    routes: { '/api/*': {}, '/public/*': { authenticate: 'none' } },
    accessLog: 0,
  })
  gateway = await startGateway(configuration, ONE_THREAD)
})

after(async () => {
  await gateway.stop()
  upstream.close()
  await keys.down()
})

function requestBytes(method: string, target: string, fields = ''): string {
  return `${method} ${target} HTTP/1.1\r\nHost: gateway.test\r\n${fields}\r\n`
}

/** A connection whose client never reads. */
async function openDeaf(): Promise<Socket> {
  const socket = connect({ port: gateway.port, host: '127.0.0.1' })
  socket.on('error', () => {})
  socket.pause()
  await once(socket, 'connect')
  return socket
}

/** Sends so many requests, as many at once as a connection takes, on one after the other. */
async function flood(bytes: string): Promise<void> {
  const pipelined = Buffer.from(bytes.repeat(PIPELINED))
  let sent = 0
  while (sent < FLOOD_REQUESTS) {
    const socket = await openDeaf()
    while (!socket.destroyed && sent < FLOOD_REQUESTS) {
      sent += PIPELINED
      // Not for ever: a connection that is held back never drains.
      if (!socket.write(pipelined)) await Promise.race([drained(socket), delay(100)])
      await delay(1)
    }
    socket.destroy()
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('drain', resolve).once('close', resolve))
}

/**
 * Sends a request on each of some connections as soon as the upstream has answered the one before,
 * so that none is pipelined, and opens connections that were cut anew.
 */
async function trickle(path: string, connections: number, rounds: number): Promise<void> {
  await Promise.all(
    Array.from({ length: connections }, async (_, index) => {
      const bytes = requestBytes('GET', `${path}?${index}`)
      let socket = await openDeaf()
      for (let round = 0; round < rounds; round += 1) {
        if (socket.destroyed) socket = await openDeaf()
        const answered = new Promise<void>((resolve) => onAnswered.set(String(index), resolve))
        socket.write(bytes)
        // Not for ever: a client that does not read hears of a closed connection when it writes.
        await Promise.race([answered, delay(50)])
        await delay(2)
      }
      socket.destroy()
    }),
  )
}

async function growthDuring(attack: () => Promise<void>): Promise<number> {
  const before = await gateway.residentBytes()
  let most = 0
  const watch = setInterval(() => {
    void gateway.residentBytes().then((bytes) => {
      most = Math.max(most, bytes)
    })
  }, 100)
  await attack()
  clearInterval(watch)
  return most - before
}

const ATTACKS: readonly (readonly [name: string, bytes: string])[] = [
  ['refusals', requestBytes('GET', '/api/x')],
  ['refusals of bad tokens', requestBytes('GET', '/api/x', 'Authorization: Bearer a.b.c\r\n')],
  ['requests that no route takes', requestBytes('GET', '/none')],
  ['health checks', requestBytes('GET', '/health/live')],
  ['health checks by HEAD', requestBytes('HEAD', '/health/live')],
  ['malformed requests', requestBytes('GET', '/public//x')],
  ['proxied answers', requestBytes('GET', '/public/x')],
]

describe('a client that reads nothing of its answers', () => {
  for (const [name, bytes] of ATTACKS) {
    it(`costs bounded memory when it pipelines ${name}`, async () => {
      const growth = await growthDuring(() => flood(bytes))
      assert.ok(growth < GROWTH_MAX_BYTES, `grew by ${Math.round(growth / MIB)} MiB`)
      assert.equal((await ask(gateway.port, '/health/live')).status, 200)
    })
  }

  for (const [name, path, connections, rounds] of [
    ['proxied answers', '/public/x', 20, 400],
    ['proxied answers without a body', '/public/nothing', 6, 3_000],
  ] as const) {
    it(`costs bounded memory when it asks for ${name} one by one on many connections`, async () => {
      // A fresh one: memory that an earlier attack has freed would hide what this one takes.
      await gateway.stop()
      gateway = await startGateway(configuration, ONE_THREAD)
      const growth = await growthDuring(() => trickle(path, connections, rounds))
      assert.ok(growth < GROWTH_MAX_BYTES, `grew by ${Math.round(growth / MIB)} MiB`)
    })
  }
})

describe('a client that pipelines', () => {
  it('gets its answers in order when it sends 64 at once', async () => {
    const pipeliner = await openRaw({ port: gateway.port })
    pipeliner.send(requestBytes('GET', '/none').repeat(63) + requestBytes('GET', '/health/live'))
    const answers = await pipeliner.waitForAnswers(64)
    assert.deepEqual(
      answers.map(({ status }) => status),
      [...Array<number>(63).fill(404), 200],
    )
    pipeliner.destroy()
  })

  for (const [name, bytes] of ATTACKS.slice(0, -1)) {
    it(`is not served thousands of ${name} in one turn of the event loop`, async () => {
      const pipeliner = await openRaw({ port: gateway.port })
      pipeliner.send(bytes.repeat(5_000))
      await pipeliner.waitForClose()
      const answers = pipeliner.text.split('HTTP/1.1 ').length - 1
      assert.ok(answers <= 128, `${answers} answers`)
      assert.equal((await ask(gateway.port, '/health/live')).status, 200)
    })
  }
})
