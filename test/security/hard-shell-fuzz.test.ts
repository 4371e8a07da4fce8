import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { canonicalPath } from '../../src/http/canonical-path.ts'
import type { RequestHead } from '../../src/http/exchange.ts'
import { isStandardMethod } from '../../src/http/methods.ts'
import { type RunningServer, startServer } from '../support/native-server.ts'
import { exchangeRaw } from '../support/raw-http.ts'
import { type RandomBelow, seededRandom } from '../support/seeded-random.ts'

const REQUESTS = 20_000
const CONCURRENCY = 32
const SEED = 0x5a11

const TEMPLATES = [
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /a/b?c=d HTTP/1.1\r\nHost: a.test:80\r\nAuthorization: Bearer abc\r\nX-A: b\r\n\r\n',
  'POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'POST /form HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  'GET /%75sers/..;/a HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
  'HEAD / HTTP/1.1\r\nHost: [::1]\r\nExpect: 100-continue\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n',
]
const TOKENS = [
  '\r\n',
  '\n',
  '\0',
  '\xff',
  ' ',
  ':',
  '%2f',
  '../',
  'Content-Length: 1\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Host: b\r\n',
  '\r\n\r\n',
  'x'.repeat(5_000),
  '_',
  '\t',
]

function mutate(text: string, random: RandomBelow): string {
  let result = text
  for (let count = random(5); count >= 0; count -= 1) {
    const position = random(result.length + 1)
    const kind = random(5)
    const before = result.slice(0, position)
    const behind = result.slice(position)
    if (kind === 0) result = before + String.fromCharCode(random(256)) + behind.slice(1)
    else if (kind === 1) result = before + (TOKENS[random(TOKENS.length)] ?? '') + behind
    else if (kind === 2) result = before + behind.slice(random(8))
    else if (kind === 3) result = before + result.slice(random(result.length + 1))
    else result = before
  }
  return result
}

function randomBytes(random: RandomBelow): string {
  return Array.from({ length: random(200) }, () => String.fromCharCode(random(256))).join('')
}

/** Sends the bytes and the end of the stream, and waits until the connection is gone. */
async function throwAt(port: number, text: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () =>
      socket.end(Buffer.from(text, 'latin1')),
    )
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
    socket.resume()
  })
}

/** The engine on node:http takes bytes beyond ASCII, too. */

/** What the seam promises of every head that comes through. */
function assertHead(head: RequestHead): void {
  assert.ok(isStandardMethod(head.method), head.method)
  assert.equal(canonicalPath(head.path), head.path)
  for (const text of [head.path, head.query, head.authority, head.host]) {
    assert.match(text, /^[!-~]*$/)
  }
  const names = head.headers.filter((_, index) => index % 2 === 0)
  const values = head.headers.filter((_, index) => index % 2 === 1)
  assert.equal(names.length, values.length)
  for (const name of names) assert.match(name, /^[a-z0-9!#$%&'*+\-.^`|~]+$/)
  for (const value of values) assert.match(value, /^[\t -~\x80-\xff]*$/)
  for (const name of ['host', 'content-length', 'transfer-encoding']) {
    assert.ok(names.filter((candidate) => candidate === name).length <= 1, name)
  }
  assert.ok(!(names.includes('content-length') && names.includes('transfer-encoding')))
}

describe('hard shell: rubbish', () => {
  let running: RunningServer
  let served = 0
  const broken: unknown[] = []

  before(async () => {
    running = await startServer((exchange) => {
      served += 1
      try {
        assertHead(exchange.head)
      } catch (error) {
        broken.push(error)
      }
      if (served % 3 === 0) exchange.send('200 OK', [], 'x')
      else setImmediate(() => exchange.send('200 OK', [], 'x'))
    })
  })

  after(() => running.server.closeAll())

  it(`outlives ${REQUESTS} mutated requests and lets only well-formed ones through`, async () => {
    const random = seededRandom(SEED)
    let left = REQUESTS
    const thrower = async () => {
      while (left > 0) {
        left -= 1
        const template = TEMPLATES[random(TEMPLATES.length)] ?? ''
        await throwAt(
          running.port,
          random(10) === 0 ? randomBytes(random) : mutate(template, random),
        )
      }
    }
    await Promise.all(Array.from({ length: CONCURRENCY }, thrower))
    assert.deepEqual(broken, [])
    assert.deepEqual(running.errors, [])
    assert.ok(served > REQUESTS / 50, `only ${served} got through`)
    assert.ok(running.refused.length > REQUESTS / 50, `only ${running.refused.length} were refused`)
    const reply = await exchangeRaw(running.port, TEMPLATES[0] ?? '')
    assert.equal(reply.answers[0]?.status, 200)
  })
})
