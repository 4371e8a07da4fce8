/**
 * Every refusal that concerns a credential, on the wire of a whole gateway: code, body, challenge,
 * and that nothing of it reaches an upstream, a log or a metric.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { REFUSAL_REASON_NAMES, REFUSAL_REASONS } from '../../src/protocol/refusal-reason.ts'
import { outcomeOn } from '../support/engine-differences.ts'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { ask, errorOf, type Fields, statusAndCode } from '../support/gateway-answer.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import { AUDIENCE, type MintingKey, mintKey } from '../support/mint-token.ts'
import { answerHeader, exchangeRaw, type RawAnswer } from '../support/raw-http.ts'
import { newMark, RecordingUpstream } from '../support/recording-upstream.ts'
import { testEngine } from '../support/test-engine.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'
import { absurdClaims } from './attacks/absurd-claims.ts'
import type { TokenAttack, TokenTarget } from './attacks/attack.ts'
import { brokenSignatures, forgedSignatures } from './attacks/forged-signatures.ts'
import { headerInjections } from './attacks/jwt-header-injection.ts'
import { keyConfusions } from './attacks/key-confusion.ts'
import { oversizeTokens } from './attacks/oversize-tokens.ts'
import { tokenSubstitutions } from './attacks/token-substitution.ts'

const ISSUER = 'https://idp.example.com/'
const SHARED_ISSUER = 'https://shared.example.com/'
const SECRET = 'thirty-two bytes and some more, for HS256'
const METADATA = 'https://api.example.com/.well-known/oauth-protected-resource'
/** Room for a header with a `kid` of 10 KB. */
const TOKEN_BYTES_MAX = 16_384
const HEADER_BYTES_MAX = 65_536
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** RFC 6750 §3.1 and the specification, written down a second time on purpose. */
const EXPECTED: Readonly<Record<string, readonly [status: number, error: string | null]>> = {
  missing_token: [401, null],
  invalid_request: [400, 'invalid_request'],
  invalid_token: [401, 'invalid_token'],
  unknown_signing_key: [401, 'invalid_token'],
  invalid_claims: [401, 'invalid_token'],
  token_expired: [401, 'invalid_token'],
  token_not_yet_valid: [401, 'invalid_token'],
  insufficient_scope: [403, 'insufficient_scope'],
}

const rsa = mintKey('RS256', 'rsa')
const ec = mintKey('ES256', 'ec')
const ed = mintKey('EdDSA', 'ed')
const secret: MintingKey = {
  ...mintKey('HS256', 'shared'),
  signingKey: new Uint8Array(Buffer.from(SECRET)),
}

/** Everything that the gateway said, and every credential that was shown to it. */
const said: string[] = []
const presented: string[] = []
let jwks: FaultyServer
let trap: UpstreamServer
let upstream: RecordingUpstream
let gateway: TestGateway
let target: TokenTarget

before(async () => {
  upstream = await RecordingUpstream.start()
  trap = await startEchoUpstream()
  jwks = await FaultyServer.start()
  jwks.publish(...[rsa, ec, ed].map(publishedJwk))
  target = {
    issuer: ISSUER,
    ...{ rsa, ec, ed, secret },
    sharedIssuer: SHARED_ISSUER,
    tokenBytesMax: TOKEN_BYTES_MAX,
    trap: trap.origin,
  }
  const issuer = { audiences: [AUDIENCE], types: ['JWT', 'at+jwt'] }
  const text = gatewayText({
    authenticate: ['jwt'],
    accessLog: 1,
    upstream: upstream.origin,
    server: { limits: { tokenBytes: TOKEN_BYTES_MAX, headerBytes: HEADER_BYTES_MAX } },
    issuers: {
      // Without a bound for fetches, so that each made-up `kid` is looked for and found unknown.
      main: {
        ...issuer,
        issuer: ISSUER,
        jwks: { uri: jwks.jwksUri, unknownKidCooldown: '0s' },
      },
      shared: { ...issuer, issuer: SHARED_ISSUER, algorithms: ['HS256'], secret: SECRET },
    },
    routes: {
      '/optional/*': { authenticate: 'optional' },
      '/scoped/*': {
        require: { scopes: { all: ['read', 'files:write'], any: ['a', 'b'] } },
        resourceMetadata: METADATA,
      },
      '/roles/*': { require: { roles: { all: ['root'] } } },
      '/places/*': {
        credentials: [
          { from: 'header' },
          { from: 'header', name: 'X-Token' },
          { from: 'cookie', name: 'token' },
          { from: 'query', name: 'access_token' },
        ],
      },
      '/metadata/*': { resourceMetadata: METADATA },
      '/*': {},
    },
  })
  gateway = await startGateway(text)
})

after(async () => {
  await gateway.stop()
  await jwks.down()
  await trap.close()
  await upstream.close()
})

async function present(path: string, fields: Fields, credential: string): Promise<RawAnswer> {
  presented.push(credential)
  const answer = await ask(gateway.port, path, fields)
  said.push(`${answer.statusLine}\n${answer.headers.join('\n')}\n${answer.body.toString('latin1')}`)
  return answer
}

/** All that a refusal must say, and nothing else. */
function assertRefused(answer: RawAnswer, code: string, parameters = ''): void {
  assert.equal(errorOf(answer), code)
  const [status = 0, error = null] = EXPECTED[code] ?? []
  const body = JSON.parse(answer.body.toString()) as Record<string, unknown>
  const { title, message } = body
  const requestId = String(body['request_id'])
  const type = `urn:sallyport:error:${code}`
  assert.deepEqual(body, { type, title, status, error: code, message, request_id: requestId })
  for (const text of [title, message]) assert.match(String(text), /^[A-Z][\x20-\x7e]+$/)
  assert.match(requestId, UUID_V7)
  assert.equal(answer.status, status)
  const description =
    error === null ? '' : `, error="${error}", error_description="${String(message)}"`
  const challenge = `Bearer realm="sallyport"${description}${parameters}`
  const headers = new Map(answer.headers)
  assert.deepEqual(answerHeader(answer, 'www-authenticate'), [challenge])
  assert.equal(headers.get('content-type'), 'application/problem+json')
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.equal(headers.get('x-request-id'), requestId)
  assert.equal(headers.has('retry-after'), false)
}

describe('the keys that the attacks are aimed at', () => {
  it('are in use: good tokens pass, or the refusals below would prove nothing', async () => {
    const tokens = [rsa, ec, ed].map((key) => liveToken(key, ISSUER))
    tokens.push(liveToken(secret, SHARED_ISSUER))
    for (const token of tokens) {
      presented.push(token)
      const mark = newMark()
      const fields: Fields = [['X-Mark', mark], ...bearer(token)]
      assert.equal(errorOf(await ask(gateway.port, '/any', fields)), '200')
      assert.ok(upstream.saw(mark), 'the upstream has no record of it')
    }
  })
})

describe('a hostile token (RFC 8725, RFC 7515 §10, RFC 7519 §11)', () => {
  const attack = async (token: string, code: string) => {
    for (const path of ['/any', '/any', '/metadata/1', '/optional/1']) {
      const mark = newMark()
      const answer = await present(path, [...bearer(token), ['X-Mark', mark]], token)
      const parameters = path === '/metadata/1' ? `, resource_metadata="${METADATA}"` : ''
      assertRefused(answer, code, parameters)
      assert.ok(!upstream.saw(mark), `the upstream saw it at ${path}`)
    }
    assert.equal(trap.connections, 0, 'the gateway followed a jku or x5u')
  }
  const families: Readonly<Record<string, (target: TokenTarget) => readonly TokenAttack[]>> = {
    'its algorithm or its key': keyConfusions,
    'its signature': forgedSignatures,
    'its header': headerInjections,
    'its claims': absurdClaims,
    'its use': tokenSubstitutions,
    'its size': oversizeTokens,
  }
  for (const [what, attacks] of Object.entries(families)) {
    it(`is refused for ${what}, first and again`, async (test) => {
      for (const [name, answer, token] of attacks(target)) {
        await test.test(name, () => attack(token, answer.slice(4)))
      }
    })
  }

  it('is refused before it is decoded when it cannot be one', async (test) => {
    for (const [name, answer, token] of brokenSignatures(target)) {
      await test.test(name, async () => {
        const mark = newMark()
        const reply = await ask(gateway.port, '/any', [['X-Mark', mark], ...bearer(token)])
        assert.equal(statusAndCode(reply), outcomeOn(testEngine, name, answer))
        assert.ok(!upstream.saw(mark))
      })
    }
  })

  it('is refused where a header, a cookie or a query parameter is the place for tokens', async () => {
    const forwardedBefore = upstream.requests
    for (const token of [
      liveToken(mintKey('ES256', 'ec'), ISSUER),
      liveToken(mintKey('ES256', 'ec'), ISSUER),
    ]) {
      for (const [path, fields] of [
        ['/places/1', [['X-Token', token]]],
        ['/places/1', [['Cookie', `a=b; token=${token}; c=d`]]],
        [`/places/1?access_token=${token}&x=1`, []],
      ] as const) {
        assertRefused(await present(path, fields, token), 'invalid_token')
      }
    }
    assert.equal(upstream.requests, forwardedBefore)
  })

  it('of a million bytes is refused by its size alone', async () => {
    const token = 'A'.repeat(2 ** 20)
    const [verifiedBefore, forwardedBefore] = [await verified(), upstream.requests]
    const bytes = `GET /any HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`
    const reply = await exchangeRaw(gateway.port, bytes)
    // Closing on bytes that were not read resets the connection, which can outrun the answer.
    assert.equal(reply.answers[0]?.status ?? 431, 431)
    assert.equal(reply.closed, true)
    assert.deepEqual([await verified(), upstream.requests], [verifiedBefore, forwardedBefore])
  })
})

function verified(): Promise<number> {
  return gateway.metric('sallyport_verification_tokens_total')
}

describe('a request without a single credential (RFC 6750 §2, §3.1)', () => {
  const good = () => liveToken(ec, ISSUER)

  it('gets a challenge without error information when there is none', async () => {
    const token = good()
    const others: readonly (readonly [path: string, fields: Fields])[] = [
      ['/any', []],
      ['/any', [['Authorization', 'Basic dXNlcjpwYXNz']]],
      ['/any', [['Authorization', 'Negotiate abc']]],
      ['/any', [['Authorization', `BearerX ${token}`]]],
      ['/any', [['Authorization', '']]],
      ['/any', [['X-Token', token]]],
      ['/any', [['Proxy-Authorization', `Bearer ${token}`]]],
      ['/any', [['Cookie', `token=${token}`]]],
      ['/any', [['X_Authorization', `Bearer ${token}`]]],
      [`/any?access_token=${token}`, []],
      ['/places/1', [['Cookie', 'token=; other=1']]],
    ]
    const forwardedBefore = upstream.requests
    for (const [path, fields] of others) {
      assertRefused(await present(path, fields, token), 'missing_token')
    }
    const answer = await present('/metadata/1', [], token)
    assertRefused(answer, 'missing_token', `, resource_metadata="${METADATA}"`)
    assert.equal(upstream.requests, forwardedBefore)
  })

  it('is malformed or ambiguous: 400, however good each token is', async () => {
    const [one, two] = [good(), good()]
    const authorization = (value: string) => ['Authorization', value] as const
    const ambiguous: readonly (readonly [path: string, fields: Fields])[] = [
      ['/any', [authorization(`Bearer ${one}`), authorization(`Bearer ${two}`)]],
      ['/any', [authorization(`Bearer ${one}`), authorization(`Bearer ${one}`)]],
      ['/any', [authorization(`Bearer ${one}`), ['authorization', 'Basic dXNlcjpwYXNz']]],
      ['/any', [authorization('Basic dXNlcjpwYXNz'), ['AUTHORIZATION', `Bearer ${one}`]]],
      ['/any', [authorization('Basic dXNlcjpwYXNz'), authorization('Basic dXNlcjpwYXNz')]],
      ['/any', [authorization(`Bearer ${one}, Bearer ${two}`)]],
      ['/any', [authorization(`Bearer ${one} ${two}`)]],
      ['/any', [authorization(`Bearer ${one} x`)]],
      ['/any', [authorization(`Bearer "${one}"`)]],
      ['/any', [authorization(`Bearer ${one.replace('.', '=.')}`)]],
      ['/any', [authorization(`Bearer {"payload":"${one}"}`)]],
      ['/any', [authorization(`Bearer token=${one};`)]],
      ['/any', [authorization('Bearer')]],
      ['/any', [authorization('Bearer =')]],
      ['/places/1', [authorization(`Bearer ${one}`), ['Cookie', `token=${two}`]]],
      ['/places/1', [authorization(`Bearer ${one}`), ['Cookie', `token=${one}`]]],
      ['/places/1', [authorization(`Bearer ${one}`), ['X-Token', two]]],
      ['/places/1', [['Cookie', `token=${one}; token=${two}`]]],
      [
        '/places/1',
        [
          ['Cookie', `token=${one}`],
          ['Cookie', `token=${two}`],
        ],
      ],
      [`/places/1?access_token=${one}`, [authorization(`Bearer ${two}`)]],
      [`/places/1?access_token=${one}&access_token=${two}`, []],
      ['/optional/1', [authorization(`Bearer ${one}`), authorization(`Bearer ${one}`)]],
    ]
    const forwardedBefore = upstream.requests
    for (const [path, fields] of ambiguous) {
      assertRefused(await present(path, fields, one), 'invalid_request')
    }
    assert.equal(upstream.requests, forwardedBefore)
  })

  it('may spell the scheme in any case', async () => {
    for (const scheme of ['bearer', 'BEARER', 'bEaReR']) {
      const answer = await ask(gateway.port, '/any', [['Authorization', `${scheme} ${good()}`]])
      assert.equal(errorOf(answer), '200')
    }
  })
})

describe('a good token that grants too little (RFC 6750 §3.1)', () => {
  it('gets 403 with the scopes and the metadata of the route, cached or not', async () => {
    const forwardedBefore = upstream.requests
    const parameters = `, scope="read files:write a b", resource_metadata="${METADATA}"`
    for (const scope of ['', 'read', 'files:write a', 'read files:write', 'READ FILES:WRITE A']) {
      const token = liveToken(ec, ISSUER, { scope })
      for (const _round of [1, 2]) {
        const answer = await present('/scoped/1', bearer(token), token)
        assertRefused(answer, 'insufficient_scope', parameters)
      }
    }
    const token = liveToken(ec, ISSUER, { roles: ['root ', 'Root'] })
    for (const _round of [1, 2]) {
      assertRefused(await present('/roles/1', bearer(token), token), 'insufficient_scope')
    }
    assert.equal(upstream.requests, forwardedBefore)
    const enough = liveToken(ec, ISSUER, { scope: 'b read files:write' })
    assert.equal(errorOf(await ask(gateway.port, '/scoped/1', bearer(enough))), '200')
  })
})

describe('promise 7: credentials, claims and secrets', () => {
  it('are in no answer, no log line and no metric', async () => {
    const metrics = await (await fetch(`${gateway.adminOrigin}/metrics`)).text()
    const status = await (await fetch(`${gateway.adminOrigin}/status`)).text()
    await eventually('the access log has arrived', () => {
      return gateway.log.filter(({ stream }) => stream === 'access').length >= said.length
    })
    const lines = gateway.log.map((line) => JSON.stringify(line))
    const everything = [...said, ...lines, metrics, status].join('\n')
    assert.ok(everything.includes('token_not_yet_valid'), 'nothing was collected')
    const revealing = new Set([SECRET, 'someone@example.com', 'user-123', 'session-1', 'acme'])
    for (const credential of presented) {
      for (const part of credential.split('.')) if (part.length >= 16) revealing.add(part)
    }
    assert.ok(revealing.size > 300, `only ${revealing.size} parts to look for`)
    for (const part of revealing) {
      assert.equal(everything.includes(part), false, `found ${part.slice(0, 80)}`)
    }
  })

  it('are not counted either: every refusal shows by its code', async () => {
    for (const code of Object.keys(EXPECTED)) {
      const reasons = REFUSAL_REASON_NAMES.filter((name) => REFUSAL_REASONS[name].code === code)
      const counts = reasons.map((reason) => {
        const labels = `code="${code}",reason="${reason}",issuer="none"`
        return gateway.metric(`sallyport_refusals_total{${labels}}`)
      })
      assert.ok(
        (await Promise.all(counts)).some((count) => count > 0),
        code,
      )
    }
  })
})
