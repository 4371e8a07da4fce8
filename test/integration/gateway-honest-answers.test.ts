/** What a gateway says and logs of requests that went wrong, and what it keeps open for them. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import type { LogLine } from '../support/gateway-child.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { soleAnswer } from '../support/proxied-answer.ts'
import { answerHeader, exchangeRaw, openRaw, type RawAnswer } from '../support/raw-http.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'
import {
  startEchoUpstream,
  startRawUpstream,
  type UpstreamServer,
} from '../support/upstream-servers.ts'

const MALFORMED = 20

let gateway: TestGateway
let echo: UpstreamServer
let raw: UpstreamServer

before(async () => {
  echo = await startEchoUpstream()
  raw = await startRawUpstream(({ socket, received }) => {
    if (received.includes('/lost ')) socket.resetAndDestroy()
    return undefined
  })
  const gone = await startRawUpstream(() => undefined)
  await gone.close()
  const text = gatewayText({
    upstream: [echo.origin],
    server: { timeouts: { stalledReader: '2s' } },
    upstreams: {
      raw: { targets: [raw.origin], responseTimeout: '300ms', ejectAfterFailures: 1_000 },
      dead: { targets: [gone.origin] },
    },
  })
  const logging = { level: 'info', accessLog: { sampling: 1, refusalSampling: 1 } }
  gateway = await startGateway(JSON.stringify({ ...JSON.parse(text), logging }))
})

after(async () => {
  await gateway.stop()
  await echo.close()
  await raw.close()
})

function problemOf(answer: RawAnswer) {
  return JSON.parse(answer.body.toString()) as {
    readonly error: string
    readonly message: string
    readonly request_id: string
  }
}

async function post(path: string): Promise<RawAnswer> {
  const bytes = `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nup`
  return soleAnswer((await exchangeRaw(gateway.port, bytes)).answers)
}

describe('the answer to a request that failed', () => {
  it('does not invite the client to repeat what was sent and may have acted', async () => {
    const answer = await post('/raw/lost')
    assert.equal(answer.status, 502)
    assert.equal(problemOf(answer).error, 'upstream_connection_lost')
    assert.doesNotMatch(problemOf(answer).message, /could not be reached/)
    assert.deepEqual(answerHeader(answer, 'retry-after'), [])
    assert.equal(raw.requests, 1, 'nor does the gateway')
  })

  it('does not invite the client to repeat what was sent and got no answer in time', async () => {
    const answer = await post('/raw/silent')
    assert.equal(answer.status, 504)
    assert.equal(problemOf(answer).error, 'upstream_timeout')
    assert.deepEqual(answerHeader(answer, 'retry-after'), [])
  })

  it('says so when nothing was sent, and that repeating it may help', async () => {
    const answer = await post('/dead/x')
    assert.equal(answer.status, 502)
    assert.equal(problemOf(answer).error, 'upstream_unreachable')
    assert.deepEqual(answerHeader(answer, 'retry-after'), ['1'])
  })
})

describe('a malformed request', () => {
  it('is in the access log, with the id that the client got', async () => {
    const requests = [
      ['GET /a//b HTTP/1.1\r\nhost: a\r\n\r\n', 'invalid_request', 400],
      ['HEAD /a/../b HTTP/1.1\r\nhost: a\r\n\r\n', 'invalid_request', 400],
      ['UNLOCK /tea HTTP/1.1\r\nhost: a\r\n\r\n', 'method_not_implemented', 501],
      [`GET /${'a'.repeat(9_000)} HTTP/1.1\r\nhost: a\r\n\r\n`, 'uri_too_long', 414],
    ] as const
    for (const [bytes, code, status] of requests) {
      const { answers } = await exchangeRaw(gateway.port, bytes, {
        methods: [bytes.startsWith('HEAD') ? 'HEAD' : 'GET'],
      })
      const [answer] = answers
      assert.equal(answer?.status, status)
      const requestId = answer === undefined ? '' : answerHeader(answer, 'x-request-id')[0]
      let line: LogLine | undefined
      await eventually('the line', () => {
        line = gateway.log.find((candidate) => candidate['requestId'] === requestId)
        return line !== undefined
      })
      const { stream, method, route } = line ?? {}
      assert.deepEqual(
        { stream, method, route, status: line?.['status'], code: line?.['code'] },
        { stream: 'access', method: 'none', route: 'none', status, code },
      )
      assert.equal(JSON.stringify(line).includes('tea'), false)
    }
  })

  it('is logged once, however many there are', async () => {
    const linesBefore = gateway.log.filter(({ code }) => code === 'invalid_request').length
    for (let count = 0; count < MALFORMED; count += 1) {
      await exchangeRaw(gateway.port, 'GET /a//b HTTP/1.1\r\nhost: a\r\n\r\n')
    }
    const lines = () => gateway.log.filter(({ code }) => code === 'invalid_request').length
    await eventually('all lines', () => lines() - linesBefore >= MALFORMED)
    assert.equal(lines() - linesBefore, MALFORMED)
  })
})

describe('a client that leaves', () => {
  it('leaves no idle connection to the upstream behind', async () => {
    const clients = 12
    const before = echo.connections
    const connections = await Promise.all(
      Array.from({ length: clients }, () => openRaw({ port: gateway.port })),
    )
    const requests = echo.requests
    for (const connection of connections) {
      connection.send('GET /slow?ms=60000 HTTP/1.1\r\nhost: a\r\n\r\n')
    }
    await eventually('all at the upstream', () => echo.requests - requests === clients)
    const opened = echo.connections - before
    for (const connection of connections) connection.destroy()
    await eventually('all to have ended', async () => {
      return (await gateway.metric('sallyport_upstream_pending{upstream="only"}')) === 0
    })
    // Answered, so that whatever was to be opened is open.
    await (await fetch(`${gateway.origin}/next`)).text()
    assert.ok(echo.connections - before <= opened + 1, `${echo.connections - before} connections`)
  })

  it('or reads nothing of a large answer is cut, and its request upstream ends', async () => {
    const connection = await openRaw({ port: gateway.port })
    connection.socket.pause()
    connection.send(`GET /download?bytes=${2 ** 30} HTTP/1.1\r\nhost: a\r\n\r\n`)
    const pending = async () => gateway.metric('sallyport_upstream_pending{upstream="only"}')
    await eventually('the answer under way', async () => (await pending()) === 1)
    await eventually('the end of it', async () => (await pending()) === 0, 20_000)
    connection.destroy()
  })
})
