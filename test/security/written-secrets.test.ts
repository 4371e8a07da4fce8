/**
 * Whatever is sent, nothing secret is written down: not in the log at its most talkative, not on
 * standard error, not in metrics, the status or the refusals that it tells, not in what it explains
 * unless values are asked for, and not in what goes to the webhook.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { type AskedFields, ask } from '../support/gateway-answer.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { IntrospectionServer, json } from '../support/introspection-server.ts'
import { keySetDocument } from '../support/key-documents.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import { AUDIENCE, ISSUER, mintKey } from '../support/mint-token.ts'
import { RedisServer } from '../support/redis-server.ts'
import { reservePort } from '../support/reserved-port.ts'
import { serveGateway } from '../support/served-gateway.ts'
import type { SpawnedCommand } from '../support/spawned-command.ts'
import { newSessionId, sha256 } from '../support/stored-credentials.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'
import { WebhookReceiver } from '../support/webhook-receiver.ts'
import { absurdClaims } from './attacks/absurd-claims.ts'
import type { TokenTarget } from './attacks/attack.ts'
import { forgedSignatures } from './attacks/forged-signatures.ts'
import { headerInjections } from './attacks/jwt-header-injection.ts'
import { keyConfusions } from './attacks/key-confusion.ts'
import { forgedCookies } from './attacks/session-attacks.ts'
import { tokenSubstitutions } from './attacks/token-substitution.ts'

/** Shorter ones could stand in a log by chance. */
const PIECE_LENGTH_MIN = 12

const SHARED_SECRET = 'shared-secret-of-thirty-two-bytes-or-more'
const CLIENT_SECRET = 'client-secret-of-introspection'
const WEBHOOK_SECRET = 'webhook-secret-of-this-test'
const ADMIN_TOKEN = 'admin-token-of-this-test'
const GUESSED_ADMIN_TOKEN = 'guessed-admin-token-of-this-test'
const API_KEY = 'api-key-of-the-configuration'
const STORED_API_KEY = 'api-key-that-redis-knows'
const UNKNOWN_API_KEY = 'api-key-that-no-one-knows'
const OPAQUE = 'opaque-token-that-is-active'
const INACTIVE = 'opaque-token-that-is-not'
const QUERY_VALUE = 'value-of-a-query-parameter'
const PATH_VALUE = 'segment-that-is-redacted'
const BODY_VALUE = 'password-in-a-login-form'
const CLAIMS = {
  sub: 'subject-of-every-token',
  email: 'alice.of.every.token@example.com',
  name: 'Name Of Every Token',
  jti: 'id-of-every-token-0001',
}
const SESSION = newSessionId()
const ATTACKER_SESSION = newSessionId()

const used = new Set<string>([
  ...[SHARED_SECRET, CLIENT_SECRET, WEBHOOK_SECRET, ADMIN_TOKEN, GUESSED_ADMIN_TOKEN],
  ...[API_KEY, STORED_API_KEY, UNKNOWN_API_KEY, OPAQUE, INACTIVE, SESSION, ATTACKER_SESSION],
  ...[QUERY_VALUE, PATH_VALUE, BODY_VALUE, `gateway:${CLIENT_SECRET}`],
  ...Object.values(CLAIMS),
])

/** In every spelling, whole and in parts, that a careless line could have. */
function piecesOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret)
  // Of a JWT the header is no secret; what is behind it is.
  const parts = secret.split('.').slice(1)
  return [
    ...[secret, bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')],
    ...[encodeURIComponent(secret), ...parts],
  ].filter((piece) => piece.length >= PIECE_LENGTH_MIN)
}

describe('what a gateway writes while it is attacked', () => {
  const receiver = new WebhookReceiver()
  const [rsa, ec, ed] = [mintKey('RS256', 'r'), mintKey('ES256', 'e'), mintKey('EdDSA', 'd')]
  const secret = mintKey('HS256', 'shared')
  let endpoint: IntrospectionServer
  let jwks: FaultyServer
  let redis: RedisServer
  let upstream: UpstreamServer
  let command: SpawnedCommand
  let port: number
  let admin: string
  let target: TokenTarget
  const explained: string[] = []

  before(async () => {
    ;[endpoint, jwks, redis, upstream] = await Promise.all([
      IntrospectionServer.start(),
      FaultyServer.start(),
      RedisServer.start(),
      startEchoUpstream(),
    ])
    await receiver.up()
    jwks.documents.set('/keys', keySetDocument(...[rsa, ec, ed].map(publishedJwk)))
    target = {
      issuer: ISSUER,
      ...{ rsa, ec, ed, secret },
      sharedIssuer: 'https://shared.example.com/',
      tokenBytesMax: 8_192,
      trap: upstream.origin,
    }
  })
  after(async () => {
    await Promise.all([endpoint.down(), jwks.down(), redis.stop(), receiver.down()])
    await upstream.close()
  })

  function configuration(adminPort: number): string {
    const introspected = endpoint.issuer('opaque', { clientSecret: CLIENT_SECRET })
    return gatewayText({
      upstream: upstream.origin,
      upstreams: { dead: { targets: ['http://127.0.0.1:9'] } },
      admin: { host: '127.0.0.1', port: adminPort, token: ADMIN_TOKEN },
      issuers: {
        main: { issuer: ISSUER, audiences: [AUDIENCE], jwks: { uri: `${jwks.origin}/keys` } },
        shared: {
          issuer: target.sharedIssuer,
          audiences: [AUDIENCE],
          algorithms: ['HS256'],
          secret: SHARED_SECRET,
        },
        opaque: introspected,
      },
      redis,
      sessions: { ttl: '60s', absoluteTtl: '100s' },
      apiKeys: { redis: true, keys: [{ sha256: sha256(API_KEY), userId: CLAIMS.sub }] },
      routes: {
        '/dead/*': { upstream: 'dead', authenticate: 'none' },
        '/shadow/*': { authenticate: ['jwt'], mode: 'shadow' },
        '/scoped/*': { authenticate: ['jwt'], require: { scopes: { all: ['root'] } } },
        '/*': { authenticate: ['jwt', 'introspection', 'session', 'apiKey'] },
      },
      logging: {
        level: 'debug',
        accessLog: {
          ...{ sampling: 1, refusalSampling: 1, failureSampling: 1, linesPerSecondMax: 1_000_000 },
          ...{ redactPath: ['/hidden/*'], userDigest: true },
        },
        webhook: { url: `${receiver.origin}/hook`, secret: WEBHOOK_SECRET },
      },
    })
  }

  /** Everything that it has written or told so far. */
  async function written(): Promise<string> {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
    const told = await Promise.all(
      ['/metrics', '/status', '/refusals'].map(async (path) =>
        (await fetch(admin + path, { headers })).text(),
      ),
    )
    const posted = receiver.deliveries.flatMap(({ body, fields }) => [body, JSON.stringify(fields)])
    return [...command.output, ...command.errors, ...posted, ...told, ...explained].join('\n')
  }

  const send = (path: string, fields: AskedFields, method = 'GET') =>
    ask(port, path, fields, method)

  async function sendToken(token: string): Promise<void> {
    used.add(token)
    for (const path of ['/x', '/shadow/x', '/scoped/x']) await send(path, bearer(token))
    await explain({ token })
  }

  async function explain(credential: object): Promise<void> {
    const response = await fetch(`${admin}/explain`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ url: `/scoped/x?token=${QUERY_VALUE}`, ...credential }),
    })
    assert.equal(response.status, 200)
    explained.push(await response.text())
  }

  async function storeCredentials(): Promise<void> {
    endpoint.reply = (response, token) =>
      json({ active: token === OPAQUE, iss: 'https://opaque.example.com/', aud: 'api', ...CLAIMS })(
        response,
        token,
      )
    const store = (key: string) =>
      redis.command('SET', key, JSON.stringify({ userId: CLAIMS.sub }), 'EX', '60')
    for (const id of [SESSION, ATTACKER_SESSION]) await store(`sess:${sha256(id)}`)
    await store(`apikey:${sha256(STORED_API_KEY)}`)
  }

  async function sendTokens(): Promise<void> {
    for (const key of [rsa, ec, ed]) await sendToken(liveToken(key, ISSUER, CLAIMS))
    const attacks = [forgedSignatures, headerInjections, keyConfusions, absurdClaims]
    for (const family of [...attacks, tokenSubstitutions]) {
      for (const [, , token] of family(target)) await sendToken(token)
    }
    for (const token of [OPAQUE, INACTIVE]) {
      await send('/x', bearer(token))
      await explain({ url: '/x', token })
    }
  }

  async function sendOthers(): Promise<void> {
    const ids = { victim: SESSION, attacker: ATTACKER_SESSION }
    await send('/x', { cookie: `__Host-sid=${SESSION}` })
    await explain({ url: '/x', cookie: `__Host-sid=${SESSION}` })
    for (const [, , fields] of forgedCookies(ids, SHARED_SECRET)) await send('/x', fields)
    for (const key of [API_KEY, STORED_API_KEY, UNKNOWN_API_KEY]) {
      await send('/x', { 'x-api-key': key })
      await explain({ url: '/x', headers: { 'x-api-key': key } })
    }
    await send(`/hidden/${PATH_VALUE}?access_token=${QUERY_VALUE}`, {})
    await send(`/dead/x?token=${QUERY_VALUE}`, { authorization: `Basic ${BODY_VALUE}` }, 'POST')
    const token = liveToken(ec, ISSUER, CLAIMS)
    used.add(token)
    assert.equal((await send('/x', bearer(token))).status, 200)
    await attackAdmin(token)
    assert.equal((await send('/x', bearer(token))).status, 401)
  }

  it('holds no token, secret, cookie, API key or claim value, nor a piece of one', async (test) => {
    const adminPort = await reservePort()
    admin = `http://127.0.0.1:${adminPort}`
    ;({ command, port } = await serveGateway(test, configuration(adminPort)))
    await command.logged('ready')
    await storeCredentials()
    await sendTokens()
    await sendOthers()
    const kinds = ['shadow_refused', 'admin_call', 'admin_call_refused', 'admin_access_refused']
    await eventually('all kinds of lines are there', () => {
      const log = command.output.join('\n')
      return ['revoked_token_used', 'upstream_failed', ...kinds].every((kind) => log.includes(kind))
    })
    await eventually('the webhook has some', () => receiver.events.length > kinds.length)
    assertNothingSecret(await written())
    command.signal('SIGTERM')
    await command.ended()
    assertNothingSecret([...command.output, ...command.errors].join('\n'))
  })

  async function attackAdmin(token: string): Promise<void> {
    const call = (method: string, path: string, body: object | null, as = ADMIN_TOKEN) =>
      fetch(admin + path, {
        method,
        headers: { authorization: `Bearer ${as}`, 'content-type': 'application/json' },
        ...(body !== null && { body: JSON.stringify(body) }),
      })
    const created = await call('POST', '/sessions', { userId: CLAIMS.sub })
    const { id } = (await created.json()) as { id: string }
    used.add(id)
    await call('GET', `/sessions/${id}`, null)
    await call('DELETE', `/sessions?userId=${CLAIMS.sub}`, null)
    await call('POST', '/revocations', { sub: CLAIMS.sub, issuer: ISSUER })
    await call('POST', '/revocations', { jti: CLAIMS.jti })
    await call('GET', '/metrics', null, GUESSED_ADMIN_TOKEN)
    await fetch(`${admin}/backchannel-logout`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: token }),
    })
  }

  /** @param text At least as much as all requests leave. */
  function assertNothingSecret(text: string): void {
    assert.ok(text.length > 100_000, `${text.length}`)
    const found = [...used].filter((secretText) =>
      piecesOf(secretText).some((piece) => text.includes(piece)),
    )
    assert.deepEqual(found, [])
  }
})
