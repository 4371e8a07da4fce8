/**
 * The PROXY header of a balancer that hands on bytes as they are: whose word it is, and that the
 * client behind it cannot send another one.
 */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { only } from '../support/engine-differences.ts'
import { echoOf, upstreamField } from '../support/gateway-answer.ts'
import { proxied, proxyHeader, tcp4Payload, tcp6Payload } from '../support/proxy-header.ts'
import { answerHeader, exchangeRaw, openRaw, type RawAnswer } from '../support/raw-http.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const BALANCER = '127.0.0.2'
const ELSEWHERE = '127.0.0.9'
const CLIENT = '203.0.113.7'
const VICTIM = '198.51.100.9'

let gateway: TestGateway

before(async () => {
  gateway = await openGateway({
    server: { trustedProxies: [BALANCER, '10.0.0.0/8'] },
    routes: {
      '/client/*': { authenticate: 'none', allowFrom: [CLIENT] },
      '/victim/*': { authenticate: 'none', allowFrom: [VICTIM] },
      '/*': { authenticate: 'none' },
    },
  })
})

function request(target = '/x', fields = '', method = 'GET', body = ''): Buffer {
  return Buffer.from(`${method} ${target} HTTP/1.1\r\nHost: gateway.test\r\n${fields}\r\n${body}`)
}

async function answersFrom(localAddress: string, bytes: Uint8Array, answers = 1) {
  return exchangeRaw({ port: gateway.port, localAddress }, bytes, { answers, deadlineMs: 5_000 })
}

async function answerFrom(localAddress: string, ...pieces: readonly Uint8Array[]) {
  const [answer] = (await answersFrom(localAddress, Buffer.concat(pieces))).answers
  assert.ok(answer !== undefined, 'there is an answer')
  return answer
}

const forwardedFor = (answer: RawAnswer) => upstreamField(answer, 'x-forwarded-for')
const isLast = (answer: RawAnswer) => answerHeader(answer, 'connection').includes('close')

describe('a PROXY header of a trusted balancer', () => {
  it('names the peer, for upstreams and for lists of addresses', async () => {
    const answer = await answerFrom(BALANCER, proxied(CLIENT), request())
    assert.equal(forwardedFor(answer), CLIENT)
    assert.match(upstreamField(answer, 'forwarded') ?? '', /^for=203\.0\.113\.7;/)
    const payload = tcp6Payload('20010db8000000000000000000000001')
    const ipv6 = proxyHeader({ command: 'proxy', family: 'tcp6', payload })
    assert.equal(forwardedFor(await answerFrom(BALANCER, ipv6, request())), '2001:db8::1')
    assert.equal((await answerFrom(BALANCER, proxied(CLIENT), request('/client/x'))).status, 200)
    assert.equal((await answerFrom(BALANCER, proxied(VICTIM), request('/client/x'))).status, 403)
  })

  it('makes the client no proxy: its forwarding fields and ids are not believed', async () => {
    const lies = `X-Forwarded-For: ${VICTIM}\r\nX-Forwarded-Proto: https\r\nX-Request-Id: mine\r\n`
    const answer = await answerFrom(BALANCER, proxied(CLIENT), request('/client/x', lies))
    assert.equal(forwardedFor(answer), CLIENT)
    assert.equal(upstreamField(answer, 'x-forwarded-proto'), 'http')
    assert.notEqual(upstreamField(answer, 'x-request-id'), 'mine')
    const denied = await answerFrom(BALANCER, proxied(CLIENT), request('/victim/x', lies))
    assert.equal(denied.status, 403)
  })

  it('may name another trusted proxy, whose fields are believed', async () => {
    const fields = `X-Forwarded-For: ${VICTIM}, ${CLIENT}\r\n`
    const answer = await answerFrom(BALANCER, proxied('10.0.0.1'), request('/client/x', fields))
    assert.equal(forwardedFor(answer), `${VICTIM}, ${CLIENT}, 10.0.0.1`)
  })

  const once = only('native', 'proxy_header')

  it('is followed by one request: its connection is closed behind the answer', once, async () => {
    const requests: readonly [string, Buffer][] = [
      ['GET', request()],
      ['POST', request('/x', 'Content-Length: 5\r\n', 'POST', 'hello')],
      ['a body of 100 KB', request('/x', 'Content-Length: 100000\r\n', 'POST', 'x'.repeat(1e5))],
      ['chunks', request('/x', 'Transfer-Encoding: chunked\r\n', 'POST', '2\r\nhi\r\n0\r\n\r\n')],
      ['a refusal', request('/victim/x')],
      ['an answer of our own', request('/health/live')],
      ['a malformed one', request('/a//b')],
    ]
    for (const [name, bytes] of requests) {
      const connection = await openRaw({ port: gateway.port, localAddress: BALANCER })
      connection.send(Buffer.concat([proxied(CLIENT), bytes]))
      const [answer] = await connection.waitForAnswers(1)
      assert.ok(answer !== undefined && isLast(answer), name)
      await connection.waitForClose()
      connection.destroy()
    }
  })

  it('cannot be followed by one of the client, in one packet or later', once, async () => {
    const before = gateway.upstream.requests
    const pipelined = [proxied(CLIENT), request(), proxied(VICTIM), request('/victim/x')]
    const reply = await answersFrom(BALANCER, Buffer.concat(pipelined), 2)
    assert.equal(reply.closed, true)
    assert.ok(reply.answers.length <= 1)

    const connection = await openRaw({ port: gateway.port, localAddress: BALANCER })
    connection.send(Buffer.concat([proxied(CLIENT), request()]))
    connection.send(Buffer.concat([proxied(VICTIM), request('/victim/x')]))
    await connection.waitForClose()
    assert.equal(connection.text.includes('/victim/x'), false)
    connection.destroy()

    for (const own of [request('/victim/x'), request('/health/live'), request('/a//b')]) {
      const mixed = Buffer.concat([proxied(CLIENT), own, proxied(VICTIM), request('/victim/x')])
      const after = await answersFrom(BALANCER, mixed, 2)
      assert.equal(after.closed, true)
      assert.equal(after.text.includes('"url":"/victim/x"'), false)
    }
    // Of the first two connections at most the first requests; of the others none.
    assert.ok(gateway.upstream.requests - before <= 2)
  })

  it('without an address leaves the balancer its own, and its word', async () => {
    for (const command of ['local', 'proxy'] as const) {
      const payload = Buffer.alloc(0)
      const header = proxyHeader({ command, family: 'unspec', payload })
      const fields = `X-Forwarded-For: ${CLIENT}\r\n`
      const answer = await answerFrom(BALANCER, header, request('/client/x', fields))
      assert.equal(forwardedFor(answer), `${CLIENT}, ${BALANCER}`)
      assert.equal(isLast(answer), false)
    }
  })

  it('is not needed: requests without one are served as before, many on a connection', async () => {
    const bytes = request('/client/x', `X-Forwarded-For: ${CLIENT}\r\n`)
    const connection = await openRaw({ port: gateway.port, localAddress: BALANCER })
    for (let count = 1; count <= 3; count += 1) {
      connection.send(bytes)
      const answer = (await connection.waitForAnswers(count)).at(-1)
      assert.ok(answer !== undefined)
      assert.equal(forwardedFor(answer), `${CLIENT}, ${BALANCER}`)
    }
    connection.destroy()
  })
})

describe('a PROXY header of anybody else', () => {
  const readPast = only('native', 'proxy_header_untrusted')

  it('is read past: the request behind it is served for the peer itself', readPast, async () => {
    const header = proxyHeader({
      command: 'proxy',
      family: 'tcp4',
      payload: tcp4Payload(VICTIM),
    })
    const answer = await answerFrom(ELSEWHERE, header, request())
    assert.equal(echoOf(answer).url, '/x')
    assert.equal(forwardedFor(answer), ELSEWHERE)
    assert.equal(isLast(answer), false)
    assert.equal((await answerFrom(ELSEWHERE, header, request('/victim/x'))).status, 403)
  })

  it('is not believed for the address of a proxy that is trusted', readPast, async () => {
    const fields = `X-Forwarded-For: ${VICTIM}\r\n`
    const answer = await answerFrom(ELSEWHERE, proxied(BALANCER), request('/victim/x', fields))
    assert.equal(answer.status, 403)
  })
})
