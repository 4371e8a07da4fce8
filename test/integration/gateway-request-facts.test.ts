/**
 * What upstreams hear about a request itself, on the wire: its ids, its trace, where it came from;
 * and whose word counts for that.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ask, echoOf, errorOf, type Fields, valuesOf } from '../support/gateway-answer.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { answerHeader, type RawAnswer } from '../support/raw-http.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'
import { type Echo, startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

/** In every value that a client invents. */
const LIE = 'evil-7f3a'
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])$/
const TRUSTED_PROXY = '127.0.0.2'

let upstream: UpstreamServer
let gateway: TestGateway

before(async () => {
  upstream = await startEchoUpstream()
  const text = gatewayText({
    authenticate: ['jwt'],
    accessLog: 1,
    upstream: upstream.origin,
    server: { trustedProxies: [TRUSTED_PROXY] },
    issuers: {
      main: { issuer: 'main', audiences: ['a'], algorithms: ['HS256'], secret: 's'.repeat(32) },
    },
    routes: { '/none/*': { authenticate: 'none' }, '/*': {} },
  })
  gateway = await startGateway(text)
})

after(async () => {
  await gateway.stop()
  await upstream.close()
})

/** Asks from the address of the trusted proxy, or from another one. */
async function askFrom(localAddress: string, fields: Fields): Promise<[RawAnswer, Echo]> {
  const answer = await ask({ port: gateway.port, localAddress }, '/none/1', fields)
  assert.equal(errorOf(answer), '200')
  return [answer, echoOf(answer)]
}

describe('request id and correlation id', () => {
  it('are made here when the client is no trusted proxy, and the answer names the request', async () => {
    const ids = new Set<string>()
    const invented: Fields = [
      ['X-Request-Id', LIE],
      ['X-Correlation-Id', LIE],
    ]
    for (const fields of [[], invented, [...invented, ...invented]]) {
      const [answer, echo] = await askFrom('127.0.0.1', fields)
      const [id = ''] = valuesOf(echo, 'x-request-id')
      assert.match(id, UUID_V7)
      assert.deepEqual(answerHeader(answer, 'x-request-id'), [id])
      assert.deepEqual(valuesOf(echo, 'x-correlation-id'), [id])
      ids.add(id)
    }
    assert.equal(ids.size, 3)
  })

  it('are kept from a trusted proxy, also in a refusal', async () => {
    const fields: Fields = [
      ['X-Request-Id', 'proxy-1.a:b-c'],
      ['X-Correlation-Id', 'c-9'],
    ]
    const [answer, echo] = await askFrom(TRUSTED_PROXY, fields)
    assert.deepEqual(valuesOf(echo, 'x-request-id'), ['proxy-1.a:b-c'])
    assert.deepEqual(answerHeader(answer, 'x-request-id'), ['proxy-1.a:b-c'])
    assert.deepEqual(valuesOf(echo, 'x-correlation-id'), ['c-9'])
    const refused = await ask({ port: gateway.port, localAddress: TRUSTED_PROXY }, '/any', fields)
    const body = JSON.parse(refused.body.toString()) as { readonly request_id: string }
    assert.equal(body.request_id, 'proxy-1.a:b-c')
  })

  it('are not kept when they could mean something to a log, or are two', async () => {
    const odd = ['a b', 'a"b', '<a>', 'a,b', 'a;b', '$jndi', 'x'.repeat(129), '']
    for (const value of odd) {
      const [, echo] = await askFrom(TRUSTED_PROXY, [
        ['X-Request-Id', value],
        ['X-Correlation-Id', value],
      ])
      assert.match(valuesOf(echo, 'x-request-id')[0] ?? '', UUID_V7)
      assert.deepEqual(valuesOf(echo, 'x-correlation-id'), valuesOf(echo, 'x-request-id'))
    }
    const [, echo] = await askFrom(TRUSTED_PROXY, [
      ['X-Request-Id', 'one'],
      ['X-Request-Id', 'two'],
    ])
    assert.match(valuesOf(echo, 'x-request-id').join(), UUID_V7)
  })
})

describe('the address of the client (RFC 7239)', () => {
  const claimed: Fields = [
    ['X-Forwarded-For', '203.0.113.7'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Host', 'public.example.com'],
    ['Forwarded', 'for=203.0.113.7;proto=https'],
  ]

  it('is the peer when that is no trusted proxy', async () => {
    const [, echo] = await askFrom('127.0.0.1', claimed)
    assert.deepEqual(valuesOf(echo, 'x-forwarded-for'), ['127.0.0.1'])
    assert.deepEqual(valuesOf(echo, 'x-forwarded-proto'), ['http'])
    assert.deepEqual(valuesOf(echo, 'x-forwarded-host'), ['gateway.test'])
    assert.deepEqual(valuesOf(echo, 'forwarded'), ['for=127.0.0.1;host="gateway.test";proto=http'])
  })

  it('is what a trusted proxy says, with the proxy behind it', async () => {
    const [, echo] = await askFrom(TRUSTED_PROXY, claimed)
    assert.deepEqual(valuesOf(echo, 'x-forwarded-for'), [`203.0.113.7, ${TRUSTED_PROXY}`])
    assert.deepEqual(valuesOf(echo, 'x-forwarded-proto'), ['https'])
    assert.deepEqual(valuesOf(echo, 'x-forwarded-host'), ['public.example.com'])
    assert.deepEqual(valuesOf(echo, 'x-real-ip'), ['203.0.113.7'])
    const element = 'for=203.0.113.7;host="public.example.com";proto=https'
    assert.deepEqual(valuesOf(echo, 'forwarded'), [element])
  })

  it('says nothing about identity: a trusted proxy cannot name the user', async () => {
    const spoofed = ['X-User-Id', 'X-User-Roles', 'X-Tenant-Id'].map((name) => [name, LIE] as const)
    const [, echo] = await askFrom(TRUSTED_PROXY, spoofed)
    assert.equal(JSON.stringify(echo).includes(LIE), false)
  })
})

describe('traceparent (W3C Trace Context §3.2, §3.3)', () => {
  const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'
  const PARENT = `00-${TRACE_ID}-00f067aa0ba902b7-01`

  it('is continued with a span of our own, and tracestate goes along', async () => {
    const [, echo] = await askFrom('127.0.0.1', [
      ['traceparent', PARENT],
      ['tracestate', 'a=1'],
      ['tracestate', 'b=2,c=3'],
    ])
    const [, traceId, parentId, flags] =
      TRACEPARENT.exec(valuesOf(echo, 'traceparent')[0] ?? '') ?? []
    assert.deepEqual([traceId, flags], [TRACE_ID, '01'])
    assert.notEqual(parentId, '00f067aa0ba902b7')
    assert.equal(valuesOf(echo, 'tracestate').join(), 'a=1,b=2,c=3')
  })

  it('is started anew when there is none or none that is valid, without tracestate', async () => {
    const zeroes = '0'.repeat(32)
    const invalid = [
      PARENT.toUpperCase(),
      PARENT.replace(TRACE_ID, zeroes),
      `ff${PARENT.slice(2)}`,
      'x',
      '',
    ]
    const rows: Fields[] = invalid.map((value) => [['traceparent', value]])
    for (const fields of [
      [],
      ...rows,
      [
        ['traceparent', PARENT],
        ['traceparent', PARENT],
      ] as Fields,
    ]) {
      const [, echo] = await askFrom('127.0.0.1', [...fields, ['tracestate', 'a=1']])
      assert.equal(valuesOf(echo, 'traceparent').length, 1)
      const [, traceId] = TRACEPARENT.exec(valuesOf(echo, 'traceparent')[0] ?? '') ?? []
      assert.match(traceId ?? '', /^[0-9a-f]{32}$/)
      assert.notEqual(traceId, TRACE_ID, JSON.stringify(fields))
      assert.deepEqual(valuesOf(echo, 'tracestate'), [])
    }
  })
})
