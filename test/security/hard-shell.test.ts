/**
 * What the server makes of requests that it takes, and how it survives those that it does not.
 * Which ones it refuses is in attacks/, and tried by wire-attacks.test.ts.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ClientExchange } from '../../src/http/exchange.ts'
import { type RunningServer, startServer } from '../support/native-server.ts'
import { exchangeRaw, openRaw, type RawAnswer } from '../support/raw-http.ts'

const HOST = 'Host: gateway.test\r\n'

function get(target: string, fields = ''): string {
  return `GET ${target} HTTP/1.1\r\n${HOST}${fields}\r\n`
}

function post(fields: string, body = ''): string {
  return `POST /form HTTP/1.1\r\n${HOST}${fields}\r\n${body}`
}

/** A complete request that a confused parser might find behind the first one. */
const SMUGGLED = get('/smuggled')

let running: RunningServer
let lastExchange: ClientExchange | null = null

before(async () => {
  running = await startServer(serve, { timeouts: { bodyMs: 3_000 } })
})

function serve(exchange: ClientExchange): void {
  lastExchange = exchange
  if (exchange.head.path === '/throws') throw new Error('handler is broken')
  if (exchange.head.path === '/never') return
  exchange.body.read(
    (_chunk, isLast) => {
      if (isLast) exchange.send('200 OK', [], `served ${exchange.head.path}`)
    },
    (reason) => exchange.send('499 Failed', [], reason),
  )
}

after(() => running.server.closeAll())

/** Sends a request that must bounce, and checks everything that "refused" promises. */
async function assertRefused(request: string, status = 400): Promise<RawAnswer> {
  const handledBefore = running.handled.length
  const reply = await exchangeRaw(running.port, request)
  const shown = JSON.stringify(request.slice(0, 200))
  assert.equal(running.handled.length, handledBefore, `reached the handler: ${shown}`)
  assert.ok(reply.closed, `connection left open: ${shown}`)
  const answer = reply.answers[0]
  assert.ok(answer, `no answer: ${shown} ${JSON.stringify(reply.text)}`)
  assert.equal(answer.status, status, shown)
  return answer
}

describe('hard shell: framing (RFC 9112 §6)', () => {
  it('answers 400 even when complete requests hide behind the ambiguous one', async () => {
    const ambiguous = post('Content-Length: 0\r\nContent-Length: 90\r\n', SMUGGLED + SMUGGLED)
    const answer = await assertRefused(ambiguous)
    assert.equal(answer.body.toString(), '{"error":"request_malformed"}')
  })

  it('serves other connections in the turn in which it refuses one', async () => {
    const [bad, ...good] = await Promise.all([
      exchangeRaw(running.port, get('/a//b') + SMUGGLED),
      ...Array.from({ length: 20 }, () => exchangeRaw(running.port, get('/fine'))),
    ])
    assert.equal(bad?.answers[0]?.status, 400)
    assert.deepEqual(
      good.map((reply) => reply.answers[0]?.status),
      good.map(() => 200),
    )
  })
})

describe('hard shell: target (RFC 9112 §3)', () => {
  it('hands up the path that it would send on', async () => {
    await exchangeRaw(running.port, get('/%75sers/%7ea?q=%75'))
    assert.equal(lastExchange?.head.path, '/users/~a')
    assert.equal(lastExchange?.head.query, 'q=%75')
  })
})

describe('hard shell: head (RFC 9110 §5, §7.2)', () => {
  it('takes names and addresses as Host, and hands them up in lower case without the port', async () => {
    const hosts: Record<string, string> = {
      'API.Example.com': 'api.example.com',
      'a.test:8080': 'a.test',
      'Rooted.test.': 'rooted.test',
      'rooted.test.:80': 'rooted.test',
      '[::1]:80': '[::1]',
      '[FE80::1]': '[fe80::1]',
      '127.0.0.1': '127.0.0.1',
    }
    for (const [authority, host] of Object.entries(hosts)) {
      await exchangeRaw(running.port, `GET / HTTP/1.1\r\nHost: ${authority}\r\n\r\n`)
      assert.equal(lastExchange?.head.host, host)
      assert.equal(lastExchange?.head.authority, authority)
    }
  })

  it('drops fields with an underscore in the name and keeps the others in order', async () => {
    await exchangeRaw(running.port, get('/', 'X_User_Id: a\r\nX-A: 1\r\nx_b: c\r\nX-A: 2\r\n'))
    assert.deepEqual(lastExchange?.head.headers, ['host', 'gateway.test', 'x-a', '1', 'x-a', '2'])
  })

  it('drops fields whose name has anything but letters, digits and dashes', async () => {
    const odd = Array.from("!#$%&'*+.^_`|~", (character) => `X${character}User-Id: a\r\n`)
    await exchangeRaw(running.port, get('/', `${odd.join('')}X-9: 1\r\n`))
    assert.deepEqual(lastExchange?.head.headers, ['host', 'gateway.test', 'x-9', '1'])
  })

  it('never lets fields behind an empty field name through', async () => {
    await exchangeRaw(running.port, get('/', ': x\r\nX-Hidden: 1\r\n'), { deadlineMs: 300 })
    assert.ok(!lastExchange?.head.headers.includes('x-hidden'))
  })

  it('answers a refused HEAD without a body', async () => {
    const reply = await exchangeRaw(running.port, `HEAD /a//b HTTP/1.1\r\n${HOST}\r\n`, {
      methods: ['HEAD'],
    })
    assert.equal(reply.answers[0]?.status, 400)
    assert.equal(reply.answers[0]?.sizeBytes, reply.bytes.length)
    assert.ok(reply.closed)
  })
})

describe('hard shell: survival', () => {
  it('cuts the connection and keeps the process when a handler throws', async () => {
    const reply = await exchangeRaw(running.port, get('/throws'))
    assert.ok(reply.closed)
    assert.equal(reply.text, '')
    assert.match(String(running.errors.at(-1)), /handler is broken/)
    const next = await exchangeRaw(running.port, get('/fine'))
    assert.equal(next.answers[0]?.status, 200)
  })

  it('cuts slow heads, silent connections, half bodies and clients that do not read', async () => {
    const cases = [
      ['silent', ''],
      ['half a head', 'GET / HTTP/1.1\r\nHo'],
      ['half a body', post('Content-Length: 10\r\n', 'half')],
      ['half a chunked body', post('Transfer-Encoding: chunked\r\n', '5\r\nab')],
      ['idle after an answer', get('/fine')],
    ] as const
    const waits = cases.map(async ([name, bytes]) => {
      const connection = await openRaw({ port: running.port })
      connection.send(bytes)
      await connection.waitForClose(14_000).catch(() => assert.fail(`${name} was not cut`))
      connection.destroy()
    })
    // A trickle is no progress either: one byte a second keeps no head alive.
    const trickle = await openRaw({ port: running.port })
    trickle.send('GET / HTTP/1.1\r\nHost: a\r\nX: ')
    const timer = setInterval(() => trickle.send('a'), 1_000)
    waits.push(trickle.waitForClose(16_000).finally(() => clearInterval(timer)))
    await Promise.all(waits)
    trickle.destroy()
  })
})
