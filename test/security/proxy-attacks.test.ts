/**
 * Attacks on the way between client and upstream, against a whole gateway: ways around the route
 * that decides, and answers of an upstream that are more than one.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ask, echoOf, type Fields, statusAndCode, valuesOf } from '../support/gateway-answer.ts'
import { assertBounces, assertPasses, type Behind } from '../support/marked-request.ts'
import { openRaw, type RawAnswer } from '../support/raw-http.ts'
import { newMark, RecordingUpstream } from '../support/recording-upstream.ts'
import { sha256 } from '../support/stored-credentials.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { RAW_ANSWERS, startRawUpstream, type UpstreamServer } from '../support/upstream-servers.ts'
import {
  BYPASSES,
  type Caller,
  GUARDED_ROUTES,
  METHOD_NAMES,
  TARGET_NAMES,
} from './attacks/forward-auth-bypass.ts'
import { AMBIGUOUS_PATHS } from './attacks/path-escape.ts'
import { BROKEN_ANSWERS, INJECTED, TRAILING_ANSWERS } from './attacks/response-splitting.ts'

const KEYS = { user: 'key-of-a-plain-user', admin: 'key-of-an-administrator' }
const CREDENTIALS: Readonly<Record<Caller, Fields>> = {
  anonymous: [],
  user: [['X-API-Key', KEYS.user]],
  administrator: [['X-API-Key', KEYS.admin]],
}
const ANSWERS = [...BROKEN_ANSWERS, ...TRAILING_ANSWERS].map(([, bytes]) => bytes)

let upstream: RecordingUpstream
let broken: UpstreamServer
let gateway: TestGateway

before(async () => {
  upstream = await RecordingUpstream.start()
  broken = await startRawUpstream(({ received }) => {
    const asked = received.slice(received.lastIndexOf('GET /'))
    const index = /^GET \/broken\/(\d+) /.exec(asked)?.[1]
    return index === undefined ? RAW_ANSWERS.ok : ANSWERS[Number(index)]
  })
  gateway = await openGateway({
    upstream: upstream.origin,
    upstreams: { broken: { targets: [broken.origin] } },
    apiKeys: {
      keys: [
        { sha256: sha256(KEYS.user), userId: 'user' },
        { sha256: sha256(KEYS.admin), userId: 'admin', roles: ['admin'] },
      ],
    },
    routes: { '/broken/*': { upstream: 'broken', authenticate: 'none' }, ...GUARDED_ROUTES },
  })
})

after(async () => {
  await gateway.stop()
  await broken.close()
  await upstream.close()
})

function behind(): Behind {
  return { port: gateway.port, upstream }
}

describe('a way around the route that decides', () => {
  it('is not needed by those who may pass', async () => {
    await assertPasses(behind(), { path: '/public/x' })
    await assertPasses(behind(), { path: '/x', fields: CREDENTIALS.user })
    await assertPasses(behind(), { path: '/api/admin/users', fields: CREDENTIALS.administrator })
  })

  for (const [name, answer, caller, method, path, fields] of BYPASSES) {
    it(`is not ${name}`, async () => {
      const request = { method, path, fields: [...CREDENTIALS[caller], ...fields] }
      await assertBounces(behind(), answer, request)
    })
  }

  for (const path of AMBIGUOUS_PATHS) {
    it(`is not a path that others read differently: ${path}`, async () => {
      const request = { path, fields: CREDENTIALS.administrator }
      await assertBounces(behind(), '400 invalid_request', request)
    })
  }

  it('is not a field that tells the service behind of another target or method', async () => {
    const names = [...TARGET_NAMES, ...METHOD_NAMES]
    for (const [path, credential] of [
      ['/public/x', []],
      ['/x', CREDENTIALS.user],
    ] as const) {
      const lies = names.map((name) => [name, '/api/admin/users'] as const)
      const request = { method: 'POST', path, fields: [...credential, ...lies] }
      const echo = echoOf(await assertPasses(behind(), request))
      assert.equal(`${echo.method} ${echo.url}`, `POST ${path}`)
      assert.ok(!JSON.stringify(echo.rawHeaders).includes('/api/admin'))
      assert.deepEqual(valuesOf(echo, 'x-forwarded-host'), ['gateway.test'])
    }
  })

  it('is not a path for health: those are answered here, whatever comes with them', async () => {
    const paths = ['/health/live', '/health/ready', '/health/live/', '/health/live?/api/admin/x']
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']) {
        const mark = newMark()
        const answer = await ask(gateway.port, path, [['X-Mark', mark]], method)
        assert.equal(answer.status, 200)
        assert.ok(!upstream.saw(mark), `${method} ${path}`)
      }
    }
  })
})

describe('an answer of an upstream (RFC 9112 §6.3)', () => {
  /** Over one connection: to the request about which the upstream is broken, and to a good one. */
  async function relayed(index: number): Promise<RawAnswer> {
    const connection = await openRaw({ port: gateway.port })
    const mark = newMark()
    connection.send(`GET /broken/${index} HTTP/1.1\r\nHost: a\r\n\r\n`)
    await connection.waitForAnswers(1)
    connection.send(`GET /public/x HTTP/1.1\r\nHost: a\r\nX-Mark: ${mark}\r\n\r\n`)
    const [first, second] = await connection.waitForAnswers(2)
    assert.ok(!connection.text.includes(INJECTED), connection.text)
    connection.destroy()
    assert.equal(echoOf(second as RawAnswer).url, '/public/x')
    assert.ok(upstream.saw(mark))
    const next = await ask(gateway.port, '/broken/ok')
    assert.equal(next.text, 'ok', 'the next request to that upstream was harmed')
    return first as RawAnswer
  }

  for (const [index, [name]] of BROKEN_ANSWERS.entries()) {
    it(`is not relayed with ${name}`, async () => {
      const answer = await relayed(index)
      assert.equal(statusAndCode(answer), '502 upstream_protocol_error')
    })
  }

  for (const [index, [name, bytes]] of TRAILING_ANSWERS.entries()) {
    it(`is relayed alone where there is more: ${name}`, async () => {
      const answer = await relayed(BROKEN_ANSWERS.length + index)
      const [, status] = /HTTP\/1\.1 ([2-9][0-9]{2})/.exec(bytes) ?? []
      assert.equal(answer.status, Number(status))
    })
  }
})
