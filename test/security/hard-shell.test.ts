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
  running = await startServer((exchange) => {
    lastExchange = exchange
    if (exchange.head.path === '/throws') throw new Error('handler is broken')
    if (exchange.head.path === '/never') return
    exchange.body.read(
      (_chunk, isLast) => {
        if (isLast) exchange.send('200 OK', [], `served ${exchange.head.path}`)
      },
      (reason) => exchange.send('499 Failed', [], reason),
    )
  })
})

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
  const framings: Record<string, string> = {
    'two different lengths': 'Content-Length: 0\r\nContent-Length: 5\r\n',
    'the same length twice': 'Content-Length: 5\r\nContent-Length: 5\r\n',
    'a list of lengths': 'Content-Length: 5, 5\r\n',
    'an empty length': 'Content-Length: \r\n',
    'a length with a sign': 'Content-Length: +5\r\n',
    'a hexadecimal length': 'Content-Length: 0x5\r\n',
    'a length with rubbish behind it': 'Content-Length: 5a\r\n',
    'a length beyond 64 bits': 'Content-Length: 99999999999999999999999\r\n',
    'a coding other than chunked': 'Transfer-Encoding: gzip\r\n',
    'a coding that only begins like chunked': 'Transfer-Encoding: chunkedx\r\n',
    'a list of codings': 'Transfer-Encoding: gzip, chunked\r\n',
    'identity as coding': 'Transfer-Encoding: identity\r\n',
    'an empty coding': 'Transfer-Encoding: \r\n',
    'chunked twice': 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
    'chunked with a length': 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n',
    'a length with chunked': 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
    'an unknown expectation': 'Content-Length: 5\r\nExpect: 200-maybe\r\n',
  }
  for (const [name, fields] of Object.entries(framings)) {
    it(`refuses ${name}`, async () => {
      await assertRefused(post(fields))
    })

    it(`does not take what follows ${name} for a request`, async () => {
      const handledBefore = running.handled.length
      const reply = await exchangeRaw(running.port, post(fields, `0\r\n\r\n${SMUGGLED}${SMUGGLED}`))
      assert.equal(running.handled.length, handledBefore)
      assert.ok(reply.closed)
      for (const answer of reply.answers) assert.ok(answer.status >= 400)
    })
  }

  it('answers 400 even when complete requests hide behind the ambiguous one', async () => {
    const ambiguous = post('Content-Length: 0\r\nContent-Length: 90\r\n', SMUGGLED + SMUGGLED)
    const answer = await assertRefused(ambiguous)
    assert.equal(answer.body.toString(), '{"error":"request_malformed"}')
  })

  it('says 413 to a declared length above the limit, before any of it is sent', async () => {
    await assertRefused(post('Content-Length: 1048577\r\n'), 413)
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

  it('closes the connection after a chunked body, and never serves what follows it', async () => {
    const chunked = post('Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n0\r\n\r\n')
    const alone = await exchangeRaw(running.port, chunked)
    assert.equal(alone.answers[0]?.body.toString(), 'served /form')
    assert.ok(alone.closed)

    const handledBefore = running.handled.filter((path) => path === '/smuggled').length
    const followed = await exchangeRaw(running.port, chunked + SMUGGLED)
    assert.ok(followed.closed)
    assert.equal(running.handled.filter((path) => path === '/smuggled').length, handledBefore)
  })

  it('never serves what hides behind a chunk that the native parser misreads', async () => {
    const handledBefore = running.handled.filter((path) => path === '/smuggled').length
    const misread = post('Transfer-Encoding: chunked\r\n', `3;\r\nabc\r\n0\r\n\r\n${SMUGGLED}`)
    await exchangeRaw(running.port, misread, { deadlineMs: 300 })
    assert.equal(running.handled.filter((path) => path === '/smuggled').length, handledBefore)
  })

  it('does not speak another protocol behind Upgrade', async () => {
    const upgrade = get('/up', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n')
    const alone = await exchangeRaw(running.port, upgrade)
    assert.equal(alone.answers[0]?.status, 200)
    assert.ok(alone.closed)
    const handledBefore = running.handled.filter((path) => path === '/smuggled').length
    const followed = await exchangeRaw(running.port, upgrade + SMUGGLED)
    assert.ok(followed.closed)
    assert.equal(running.handled.filter((path) => path === '/smuggled').length, handledBefore)
  })
})

describe('hard shell: target (RFC 9112 §3)', () => {
  const targets = [
    '/a\x7fb',
    '/\xff',
    '/caf\xc3\xa9',
    '/a#b',
    '/a\\b',
    '/a%2fb',
    '/a%2Fb',
    '/a%5Cb',
    '/%2e%2e/a',
    '/a%2eb',
    '/a%00',
    '/a%0d%0a',
    '/a/../b',
    '/a/./b',
    '/..',
    '/a//b',
    '//a',
    '/..;/a',
    '/a/..;x=y/b',
    '/;/a',
    '/a%',
    '/a%zz',
    '/a?b#c',
    '/a?\x7f',
    '/a?\xff',
  ]
  for (const target of targets) {
    it(`refuses ${JSON.stringify(target)}`, async () => {
      await assertRefused(get(target))
    })
  }

  it('does not serve targets that are no path', async () => {
    for (const target of ['*', 'http://gateway.test/a', 'gateway.test:80', 'a']) {
      const handledBefore = running.handled.length
      const reply = await exchangeRaw(running.port, `OPTIONS ${target} HTTP/1.1\r\n${HOST}\r\n`)
      assert.equal(running.handled.length, handledBefore)
      assert.ok(reply.closed)
      assert.ok(!reply.text.includes(' 200 '))
    }
  })

  it('hands up the path that it would send on', async () => {
    await exchangeRaw(running.port, get('/%75sers/%7ea?q=%75'))
    assert.equal(lastExchange?.head.path, '/users/~a')
    assert.equal(lastExchange?.head.query, 'q=%75')
  })

  it('says 414 to a target above the limit', async () => {
    await assertRefused(get(`/${'a'.repeat(8_192)}`), 414)
    await assertRefused(get(`/?${'a'.repeat(8_192)}`), 414)
  })
})

describe('hard shell: head (RFC 9110 §5, §7.2)', () => {
  it('refuses methods outside the allow-list, in any spelling', async () => {
    for (const method of ['TRACE', 'CONNECT', 'PROPFIND', 'get', 'Get', 'GETX', 'GET[', 'X']) {
      await assertRefused(`${method} / HTTP/1.1\r\n${HOST}\r\n`)
    }
  })

  it('refuses an unknown method without serving what follows it', async () => {
    const handledBefore = running.handled.length
    const reply = await exchangeRaw(running.port, `BREW / HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`)
    assert.equal(running.handled.length, handledBefore)
    assert.ok(reply.closed)
  })

  it('refuses a missing, repeated, empty or malformed Host', async () => {
    const hosts = [
      '',
      'Host: a\r\nHost: a\r\n',
      'Host: \r\n',
      'Host: a b\r\n',
      'Host: a/b\r\n',
      'Host: user@a\r\n',
      'Host: a:\r\n',
      'Host: a:b\r\n',
      'Host: a:123456\r\n',
      'Host: a:1:2\r\n',
      'Host: [::1\r\n',
      'Host: [x]\r\n',
      'Host: []\r\n',
      'Host: a,b\r\n',
      'Host: %61\r\n',
      `Host: ${'a'.repeat(256)}\r\n`,
    ]
    for (const host of hosts) await assertRefused(`GET / HTTP/1.1\r\n${host}\r\n`)
  })

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

  it('refuses field values with control or non-ASCII bytes', async () => {
    for (const byte of ['\x01', '\0', '\x0b', '\x1f', '\x7f', '\x80', '\xff', '\xc3\xa9']) {
      await assertRefused(get('/', `X-Value: a${byte}b\r\n`))
    }
  })

  it('refuses field names that are no tokens, and spaces before the colon', async () => {
    for (const field of ['a(b: x', 'a b: x', 'a : x', ' a: x', 'a\x7f: x', 'é: x', 'a"b: x']) {
      await assertRefused(get('/', `${field}\r\n`))
    }
  })

  it('refuses folded fields and bare line feeds', async () => {
    await assertRefused(get('/', 'X-A: b\r\n c\r\n'))
    await assertRefused(get('/', 'X-A: b\nX-B: c\r\n'))
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

  it('says 431 to too many fields and to fields that are too large', async () => {
    await assertRefused(get('/', 'X-A: b\r\n'.repeat(101)), 431)
    await assertRefused(get('/', `X-A: ${'b'.repeat(16_384)}\r\n`), 431)
    await assertRefused(get('/', `X_A: ${'b'.repeat(16_384)}\r\n`), 431)
    await assertRefused(get('/', `X-A: ${'b'.repeat(200_000)}\r\n`), 431)
  })

  it('serves no other version of HTTP', async () => {
    for (const version of ['HTTP/1.0', 'HTTP/2.0', 'HTTP/1.2', 'HTTP/0.9', 'RTSP/1.1']) {
      await assertRefused(`GET / ${version}\r\n${HOST}\r\n`, 505)
    }
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
