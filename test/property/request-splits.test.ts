/** A real gateway, and requests that reach it in pieces. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { anyPlace, propertyRuns } from '../support/property-runs.ts'
import { openRaw } from '../support/raw-http.ts'
import { sha256 } from '../support/stored-credentials.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import type { Echo } from '../support/upstream-servers.ts'

const KEY = 'key-of-a-user'
/** Different in every answer: ids of requests and of traces. */
const IDS = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|00-[0-9a-f-]{52}/g

const binary = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'))
/** May look like the end of a head, of a chunk or of a body. */
const content = fc
  .array(fc.oneof(binary(300), fc.constantFrom('\r\n', '\r\n\r\n', '0\r\n\r\n', 'GET / HTTP/1.1')))
  .map((parts) => parts.join(''))

const field = fc
  .tuple(
    fc.constantFrom('X-Plain', 'Cookie', 'Accept', 'X-API-Key', 'X-User-Id', 'Connection'),
    fc.constantFrom('', 'a', 'a=b; c=d', KEY, 'x-plain', 'é', 'long '.repeat(100)),
    fc.constantFrom('', ' ', ' \t'),
  )
  .map(([name, value, space]) => `${name}:${space}${value}${space}`)
const fields = fc.array(field, { maxLength: 6 })
const target = fc.constantFrom('/open/a?b=c', '/open/%75', '/guarded/a', '/nowhere', '/open/a//b')

interface Framed {
  readonly lines: readonly string[]
  readonly body: string
}

/** Without extensions, which the native server misreads: see native-server-golden.test.ts. */
const chunk = fc
  .tuple(binary(200), fc.constantFrom('', '0', '000'), fc.boolean())
  .filter(([data]) => data !== '')
  .map(([data, zeros, isUpper]) => {
    const size = zeros + data.length.toString(16)
    return `${isUpper ? size.toUpperCase() : size}\r\n${data}\r\n`
  })
const framed: fc.Arbitrary<Framed> = fc.oneof(
  content.map((body) => ({ lines: [`Content-Length: ${body.length}`], body })),
  fc.array(chunk, { maxLength: 5 }).map((chunks) => ({
    lines: ['Transfer-Encoding: chunked'],
    body: `${chunks.join('')}0\r\n\r\n`,
  })),
)

const withoutBody = fc.constantFrom('GET', 'HEAD', 'DELETE', 'OPTIONS')
const withBody = fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE')
const request = fc.oneof(
  fc.tuple(withoutBody, target, fields).map(([method, path, lines]) => {
    return { method, bytes: requestText(method, path, lines, '') }
  }),
  fc
    .tuple(withBody, target, fields, framed)
    .map(([method, path, lines, { lines: framing, body }]) => {
      return { method, bytes: requestText(method, path, [...lines, ...framing], body) }
    }),
)

function requestText(method: string, path: string, lines: readonly string[], body: string): string {
  return `${[`${method} ${path} HTTP/1.1`, 'Host: a.test', ...lines].join('\r\n')}\r\n\r\n${body}`
}

const cuts = fc.array(anyPlace, { maxLength: 12 })

function pieces(bytes: string, places: readonly number[]): readonly string[] {
  const ends = places.map((place) => Math.floor(place * bytes.length)).sort((a, b) => a - b)
  const starts = [0, ...ends]
  return starts
    .map((start, index) => bytes.slice(start, ends[index] ?? bytes.length))
    .filter((piece) => piece !== '')
}

/** What the upstream got. Its framing is that of another connection, and only has to be right. */
function echoed(answer: Buffer): string {
  const { method, url, rawHeaders, body } = JSON.parse(answer.toString()) as Echo
  const lines: string[] = []
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2)
    if (name === 'content-length') assert.equal(value, String(body.length))
    else if (name !== 'transfer-encoding') lines.push(`${name}: ${value}`)
  }
  return [method, url, ...lines, body].join('\n')
}

describe('a request in pieces (RFC 9112 §6)', () => {
  let gateway: TestGateway

  before(async () => {
    gateway = await openGateway({
      apiKeys: { keys: [{ sha256: sha256(KEY), userId: 'someone' }] },
      routes: {
        '/open/*': { authenticate: 'none' },
        '/guarded/*': { authenticate: ['apiKey'] },
      },
    })
  })
  after(() => gateway.stop())

  /** Status, fields, and the answer: what the upstream got, if it got anything. */
  async function outcome(parts: readonly string[], method: string): Promise<readonly string[]> {
    const connection = await openRaw({ port: gateway.port })
    try {
      for (const part of parts) {
        if (connection.closed) break
        connection.send(part)
        // Or the pieces would be one again on their way.
        if (parts.length > 1) await pause(1)
      }
      const [answer] = await connection.waitForAnswers(1, [method])
      const { status, headers, body } = answer ?? assert.fail('no answer')
      const kept = headers.filter(([name]) => name !== 'date' && name !== 'content-length')
      const isEcho = status === 200 && method !== 'HEAD'
      // One that is answered before all of it has come may end in a line end of its own.
      const text = isEcho ? echoed(body) : body.toString('latin1').trimEnd()
      return [String(status), ...kept.map(String), text].map((line) => line.replace(IDS, ''))
    } finally {
      connection.destroy()
    }
  }

  const statuses = new Set<string>()

  it('is answered, and reaches the upstream, as it does in one', async () => {
    await fc.assert(
      fc.asyncProperty(request, cuts, async ({ method, bytes }, places) => {
        const whole = await outcome([bytes], method)
        statuses.add(whole[0] ?? '')
        assert.deepEqual(await outcome(pieces(bytes, places), method), whole)
      }),
      propertyRuns(300),
    )
    assert.deepEqual([...statuses].sort(), ['200', '400', '401', '404'])
  })

  it('is so with every byte by itself', async () => {
    const chunked = ['Transfer-Encoding: chunked', `X-API-Key: ${KEY}`]
    const body = '3\r\na\r\n\r\n1\r\nb\r\n0\r\n\r\n'
    for (const [method, bytes] of [
      ['GET', requestText('GET', '/open/a?b=c', ['X-Plain: a'], '')],
      ['POST', requestText('POST', '/guarded/a', chunked, body)],
      ['POST', requestText('POST', '/open/a', ['Content-Length: 6'], 'a\r\n\r\nb')],
    ] as const) {
      const whole = await outcome([bytes], method)
      assert.equal(whole[0], '200')
      assert.deepEqual(await outcome(bytes.split(''), method), whole)
    }
  })
})
