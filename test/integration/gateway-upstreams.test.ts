/** Upstreams that misbehave, fail or go away, as the client of a whole gateway sees them. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { echoOf, soleAnswer } from '../support/proxied-answer.ts'
import { answerHeader, exchangeRaw, openRaw } from '../support/raw-http.ts'
import { watchStarvation } from '../support/starvation.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import {
  RAW_ANSWERS,
  type RawScript,
  startEchoUpstream,
  startRawUpstream,
  type UpstreamServer,
} from '../support/upstream-servers.ts'

const RESPONSE_TIMEOUT_MS = 1_000
/** Far above what any answer here takes, far below the deadlines of the raw client. */
const PROMPT_MS = 3_000

/** Answers with the bytes, or does what the last segment of the path says. */
const misbehave: RawScript = ({ socket, received }) => {
  const name = /\/([a-zA-Z]+) HTTP\/1\.1\r\n(?!.*\/1\.1\r\n)/s.exec(received)?.[1] ?? ''
  if (name === 'silence') return undefined
  if (name === 'reset') socket.resetAndDestroy()
  else if (name === 'end') socket.end()
  else if (name === 'resetInHead') {
    socket.write('HTTP/1.1 200 OK\r\ncontent-', () => socket.resetAndDestroy())
  } else if (name === 'endInBody') {
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf')
  } else if (name === 'endInChunks') {
    socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n')
  } else if (name === 'hops') {
    return (
      'HTTP/1.1 200 OK\r\nconnection: keep-alive, x-named\r\nkeep-alive: timeout=9\r\nx-named: 1\r\n' +
      'proxy-connection: keep-alive\r\nx-request-id: mine\r\nx-kept: yes\r\ncontent-length: 2\r\n\r\nok'
    )
  } else return RAW_ANSWERS[name as keyof typeof RAW_ANSWERS]
  return undefined
}

let gateway: TestGateway
let echo: UpstreamServer
let raw: UpstreamServer

before(async () => {
  echo = await startEchoUpstream()
  raw = await startRawUpstream(misbehave)
  const gone = await startRawUpstream(() => undefined)
  await gone.close()
  gateway = await openGateway({
    upstream: [echo.origin],
    upstreams: {
      raw: {
        targets: [raw.origin],
        responseTimeout: `${RESPONSE_TIMEOUT_MS}ms`,
        ejectAfterFailures: 1_000,
        retryBudget: 0,
      },
      dead: { targets: [gone.origin] },
    },
  })
})

after(async () => {
  await gateway.stop()
  await echo.close()
  await raw.close()
})

describe('upstreams that fail', () => {
  const expected = {
    reset: 502,
    end: 502,
    resetInHead: 502,
    silence: 504,
    twoLengths: 502,
    equalLengthsTwice: 502,
    lengthAndChunked: 502,
    badLength: 502,
    hugeLength: 502,
    switching: 502,
    bareSwitching: 502,
    notHttp: 502,
    oversizeHead: 502,
    bareLineFeedInHeader: 502,
    bareReturnInHeader: 502,
    nulInHeader: 502,
    badHeaderName: 502,
    statusOutOfRange: 502,
    hintsWithoutEnd: 502,
  } as const
  for (const [name, status] of Object.entries(expected)) {
    it(`answers ${status} to ${name}, and the next request on the connection is right`, async () => {
      const connection = await openRaw({ port: gateway.port })
      connection.send(`GET /raw/${name} HTTP/1.1\r\nhost: a\r\n\r\n`)
      const [failure] = await connection.waitForAnswers(1)
      assert.equal(failure?.status, status)
      assert.equal(
        failure === undefined ? '' : answerHeader(failure, 'content-type')[0],
        'application/problem+json',
      )
      assert.equal(connection.text.includes('sid=evil'), false)
      connection.send('GET /next HTTP/1.1\r\nhost: a\r\n\r\n')
      const [, next] = await connection.waitForAnswers(2)
      assert.equal(echoOf(next).url, '/next')
      connection.destroy()
    })
  }

  for (const name of ['endInBody', 'endInChunks']) {
    it(`cuts the client off at ${name}, so that no half answer looks whole`, async () => {
      const connection = await openRaw({ port: gateway.port })
      connection.send(`GET /raw/${name} HTTP/1.1\r\nhost: a\r\n\r\n`)
      await connection.waitForClose(PROMPT_MS)
      const { text } = connection
      const isRefusal = text.startsWith('HTTP/1.1 502 ')
      assert.ok(
        isRefusal || text.endsWith('half') || text.endsWith('half\r\n') || text === '',
        text,
      )
    })
  }

  for (const name of ['noContentWithBody', 'notModifiedWithBody', 'twoAnswers', 'trailers']) {
    it(`does not let the stray bytes of ${name} reach any answer`, async () => {
      const connection = await openRaw({ port: gateway.port })
      for (let count = 1; count <= 5; count += 1) {
        connection.send(`GET /raw/${name} HTTP/1.1\r\nhost: a\r\n\r\n`)
        await connection.waitForAnswers(count)
        assert.doesNotMatch(connection.text, /evil|stolen|x-t/)
      }
      connection.destroy()
    })
  }

  it('answers 502 where nothing listens, at once', async () => {
    const startedAtMs = performance.now()
    const starvedMs = watchStarvation([process.pid, gateway.processId])
    const reply = await exchangeRaw(gateway.port, 'GET /dead/x HTTP/1.1\r\nhost: a\r\n\r\n')
    assert.equal(soleAnswer(reply.answers).status, 502)
    assert.ok(performance.now() - startedAtMs < PROMPT_MS + starvedMs())
  })
})

describe('several targets', () => {
  it('serve together; one that goes down is left out, and comes back', async (test) => {
    const first = await startEchoUpstream()
    let second = await startEchoUpstream()
    const several = await openGateway({
      upstream: {
        targets: [first.origin, second.origin],
        ejectAfterFailures: 2,
        probeInterval: '200ms',
      },
    })
    test.after(async () => {
      await several.stop()
      await first.close()
      await second.close()
    })
    const ejected = 'sallyport_upstream_ejected{upstream="only"}'
    const ask = async () => {
      const answer = await fetch(`${several.origin}/x`)
      await answer.arrayBuffer()
      return answer.status
    }
    for (let count = 0; count < 20; count += 1) assert.equal(await ask(), 200)
    assert.ok(first.requests > 0 && second.requests > 0, 'both are used')

    const { port } = second
    await second.close()
    let lost = 0
    for (let count = 0; count < 100; count += 1) if ((await ask()) !== 200) lost += 1
    assert.equal(lost, 0, 'retries hide what the target refuses until it is left out')
    assert.ok((await several.metric(ejected)) > 0)

    second = await startEchoUpstream(port)
    const giveUpAtMs = performance.now() + 10_000
    while (second.requests < 10 && performance.now() < giveUpAtMs) assert.equal(await ask(), 200)
    assert.ok(second.requests >= 10, 'it gets requests again')
  })
})
