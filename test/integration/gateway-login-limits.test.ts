/** Limits by user and lock-out in front of a login service that knows nothing of them. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { errorOf } from '../support/gateway-answer.ts'
import { type LoginService, startLoginService } from '../support/login-service.ts'
import { exchangeRaw, openRaw, type RawAnswer } from '../support/raw-http.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const FORM = 'application/x-www-form-urlencoded'
const JSON_TYPE = 'application/json'
const KIBIBYTE = 1_024

let service: LoginService
let gateway: TestGateway

before(async () => {
  service = await startLoginService()
  const login = { authenticate: 'none' }
  gateway = await openGateway({
    upstream: service.origin,
    rateLimits: {
      users: { perUsername: { rate: '3/h' } },
      many: { perUsername: { rate: '1000000/h' } },
      locks: {
        failures: {
          perAddress: { threshold: 4, lockout: '1h' },
          perUsername: { threshold: 3, lockout: '1h' },
          upstreamStatuses: [401],
        },
      },
    },
    routes: {
      '/users': { ...login, rateLimit: 'users' },
      '/many': { ...login, rateLimit: 'many' },
      '/locks': { ...login, rateLimit: 'locks' },
      '/free': login,
    },
    server: { trustedProxies: ['127.0.0.1'] },
  })
})

after(() => service.close())

interface Login {
  readonly path: string
  readonly body: string | Buffer
  readonly type?: string
  readonly fields?: readonly string[]
  /** As a trusted proxy names it. */
  readonly address?: string
  readonly isChunked?: boolean
}

async function post({ path, body, type = FORM, ...more }: Login): Promise<RawAnswer> {
  const { fields = [], address = '192.0.2.1', isChunked = false } = more
  const bytes = Buffer.from(body)
  const length = isChunked ? 'transfer-encoding: chunked' : `content-length: ${bytes.length}`
  const lines = [`POST ${path} HTTP/1.1`, 'host: gateway.test', `content-type: ${type}`, length]
  const head = [...lines, `x-forwarded-for: ${address}`, ...fields, '', ''].join('\r\n')
  const sent = isChunked
    ? `${bytes.length.toString(16)}\r\n${bytes.toString('latin1')}\r\n0\r\n\r\n`
    : bytes.toString('latin1')
  const reply = await exchangeRaw(gateway.port, head + sent, { methods: ['POST'] })
  const answer = reply.answers[0]
  assert.ok(answer !== undefined, `closed: ${reply.closed}, received: ${reply.text}`)
  return answer
}

function fieldOf({ headers }: RawAnswer, wanted: string): string | undefined {
  return headers.find(([name]) => name === wanted)?.[1]
}

describe('a limit of users in front of a login service', () => {
  it('counts a user however the name is written, and no other user with it', async () => {
    const spellings: readonly (readonly [string, string])[] = [
      [FORM, 'username=ann&password=a'],
      [FORM, 'password=a&username=%41nn'],
      [JSON_TYPE, '{"user\\u006eame":" ANN ","password":"a"}'],
    ]
    for (const [type, body] of spellings) {
      assert.equal((await post({ path: '/users', type, body })).status, 200, body)
    }
    const refused = await post({ path: '/users', body: 'username=ann&password=b' })
    assert.equal(errorOf(refused), 'rate_limited')
    assert.equal(refused.status, 429)
    assert.match(fieldOf(refused, 'retry-after') ?? '', /^1[0-9]{3}$/)
    assert.equal(fieldOf(refused, 'ratelimit-policy'), '"username";q=3;w=3600')
    assert.match(fieldOf(refused, 'ratelimit') ?? '', /^"username";r=0;t=1[0-9]{3}$/)
    const other = await post({ path: '/users', body: 'username=bob&password=a' })
    assert.equal(other.status, 200)
    assert.match(fieldOf(other, 'ratelimit') ?? '', /^"username";r=2;t=1200$/)
  })

  const filler = (bytes: number) => 'x'.repeat(bytes)
  const whole = (start: string, end: string) =>
    start + filler(64 * KIBIBYTE - start.length - end.length) + end
  const unchanged: readonly (readonly [string, string, string])[] = [
    ['JSON of 64 KiB', JSON_TYPE, whole('{"username":"u1","filler":"', '"}')],
    [
      'JSON of 64 KiB with the user at its end',
      JSON_TYPE,
      whole('{"filler":"', '","username":"u2"}'),
    ],
    ['a form of 64 KiB', FORM, whole('username=u3&filler=', '')],
    ['a short form', FORM, 'username=u4&password=%C3%BC+x'],
  ]
  for (const [what, type, body] of unchanged) {
    for (const isChunked of [false, true]) {
      it(`passes ${what} on byte for byte${isChunked ? ', chunked' : ''}`, async () => {
        const before = service.bodies.length
        const answer = await post({ path: '/many', type, body, isChunked })
        assert.equal(answer.status, 200, errorOf(answer))
        assert.equal(service.bodies.length, before + 1)
        assert.ok(service.bodies.at(-1)?.equals(Buffer.from(body, 'latin1')))
      })
    }
  }

  const refused: readonly (readonly [string, Omit<Login, 'path'>])[] = [
    ['whose user comes after 64 KiB', { body: `x=${filler(64 * KIBIBYTE)}&username=ann` }],
    ['that goes on after 64 KiB', { body: `username=ann&x=${filler(64 * KIBIBYTE)}` }],
    ['with two users', { body: 'username=ann&username=bob' }],
    ['with a user in another case as well', { body: 'username=ann&UserName=bob' }],
    ['with a list of users', { body: 'username[]=ann' }],
    [
      'with two users, one escaped',
      { type: JSON_TYPE, body: '{"username":"a","\\u0075sername":"b"}' },
    ],
    ['in another charset', { type: `${FORM}; charset=utf-16`, body: 'username=ann' }],
    ['with the user in a nested object alone', { type: JSON_TYPE, body: '{"u":{"username":"a"}}' }],
    ['of another media type', { type: 'text/plain', body: 'username=ann' }],
    ['that is encoded', { body: 'username=ann', fields: ['content-encoding: gzip'] }],
    [
      'that is encoded, and says so twice',
      { body: 'username=ann', fields: ['content-encoding: deflate', 'content-encoding: deflate'] },
    ],
    ['without a user', { body: 'password=a' }],
    ['that is empty', { body: '' }],
    ['with null for a user', { type: JSON_TYPE, body: '{"username":null}' }],
    ['that is broken JSON', { type: JSON_TYPE, body: '{"username":"a"' }],
  ]
  for (const [what, login] of refused) {
    it(`refuses a body ${what} with 400, and the service never sees it`, async () => {
      const before = service.bodies.length
      const answer = await post({ path: '/many', ...login })
      assert.equal(errorOf(answer), 'invalid_request')
      assert.equal(answer.status, 400)
      assert.equal(service.bodies.length, before)
    })
  }

  it('refuses a user in the query, where some services would read it first', async () => {
    const answer = await post({ path: '/many?user%6eame=bob', body: 'username=ann' })
    assert.equal(errorOf(answer), 'invalid_request')
  })

  it('sends the media type on by which it read the user, whatever Connection names', async () => {
    const fields = ['connection: content-type, content-encoding']
    assert.equal((await post({ path: '/many', body: 'username=ann', fields })).status, 200)
    assert.equal(service.types.at(-1), FORM)
  })

  it('leaves bodies alone on routes that count no users', async () => {
    const answer = await post({ path: '/free', type: 'text/plain', body: 'anything' })
    assert.equal(answer.status, 200)
    assert.equal(service.bodies.at(-1)?.toString(), 'anything')
  })
})

describe('lock-out after the login service has refused', () => {
  it('refuses the address, whichever user it names, and no other address', async () => {
    for (const user of ['a1', 'a2', 'a3', 'a4']) {
      const body = `username=${user}&password=wrong`
      assert.equal((await post({ path: '/locks', body, address: '192.0.2.7' })).status, 401)
    }
    const seen = service.bodies.length
    await eventually('locked', async () => {
      const body = 'username=a5&password=right'
      const answer = await post({ path: '/locks', body, address: '192.0.2.7' })
      return errorOf(answer) === 'locked_out' && Number(fieldOf(answer, 'retry-after')) > 3_500
    })
    assert.ok(service.bodies.length <= seen + 1)
    const other = { path: '/locks', body: 'username=a6&password=right', address: '192.0.2.8' }
    assert.equal((await post(other)).status, 200)
  })

  it('refuses the user from every address', async () => {
    for (const address of ['198.51.100.1', '198.51.100.2', '198.51.100.3']) {
      const body = 'username=victim&password=wrong'
      assert.equal((await post({ path: '/locks', body, address })).status, 401)
    }
    await eventually('locked', async () => {
      const body = 'username=VICTIM&password=right'
      return errorOf(await post({ path: '/locks', body, address: '198.51.100.4' })) === 'locked_out'
    })
    const other = { path: '/locks', body: 'username=else&password=right', address: '198.51.100.4' }
    assert.equal((await post(other)).status, 200)
    await eventually('both are counted', async () => {
      return (await gateway.metric('sallyport_lockouts_total')) >= 2
    })
  })

  it('counts a guess whose client does not wait for the answer', async () => {
    const address = '203.0.113.9'
    for (let count = 0; count < 4; count += 1) {
      const body = `username=hasty${count}&password=slow`
      const seen = service.bodies.length
      const head = `POST /locks HTTP/1.1\r\nhost: a\r\ncontent-type: ${FORM}\r\n`
      const rest = `content-length: ${body.length}\r\nx-forwarded-for: ${address}\r\n\r\n${body}`
      const connection = await openRaw({ port: gateway.port })
      connection.send(head + rest)
      await eventually('the service has it', () => service.bodies.length > seen)
      connection.destroy()
    }
    await eventually('locked', async () => {
      const login = { path: '/locks', body: 'username=other&password=a', address }
      return errorOf(await post(login)) === 'locked_out'
    })
  })

  it('counts an IPv6 client by its /64 network', async () => {
    for (const host of ['1', '2', '3', '4']) {
      const body = `username=six${host}&password=wrong`
      const address = `2001:db8:1:2::${host}`
      assert.equal((await post({ path: '/locks', body, address })).status, 401)
    }
    await eventually('locked', async () => {
      const login = { path: '/locks', body: 'username=six5&password=a' }
      return errorOf(await post({ ...login, address: '2001:db8:1:2:ffff::9' })) === 'locked_out'
    })
    const outside = { path: '/locks', body: 'username=six6&password=a', address: '2001:db8:1:3::1' }
    assert.equal((await post(outside)).status, 200)
  })
})
