/** Gateways that share revocations: one issuer whose keys the test holds, one Redis or none. */
import { eventually } from './eventually.ts'
import { FaultyServer } from './faulty-server.ts'
import { errorOf } from './gateway-answer.ts'
import { keySetDocument } from './key-documents.ts'
import { bearer, liveToken, publishedJwk } from './live-token.ts'
import { AUDIENCE, headerText, type MintingKey, mintKey, signRaw } from './mint-token.ts'
import { RedisServer } from './redis-server.ts'
import { type AdminAnswer, type OpenedPlan, openGateway, type TestGateway } from './test-gateway.ts'
import { startEchoUpstream } from './upstream-servers.ts'

export const ISSUER = 'https://revoking.example.com/'
/** Publishes the same keys. */
export const OTHER_ISSUER = 'https://another.example.com/'

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

type Settings = Readonly<Record<string, unknown>>

export async function openRevocationRig() {
  const upstream = await startEchoUpstream()
  const jwks = await FaultyServer.start()
  const key = mintKey('ES256', 'revoking-1')
  const publish = (...keys: readonly MintingKey[]) =>
    jwks.documents.set('/keys', keySetDocument(...keys.map(publishedJwk)))
  publish(key)

  function start(settings: OpenedPlan = {}, issuer: Settings = {}): Promise<TestGateway> {
    const common = { audiences: [AUDIENCE], jwks: { uri: `${jwks.origin}/keys` } }
    return openGateway({
      authenticate: ['jwt'],
      accessLog: 1,
      upstream: upstream.origin,
      issuers: {
        main: { issuer: ISSUER, ...common, ...issuer },
        other: { issuer: OTHER_ISSUER, ...common },
      },
      routes: { '/open': { authenticate: 'none' }, '/*': {} },
      waitsUntilReady: false,
      ...settings,
    })
  }

  return {
    key,
    upstream,
    /** Does not wait until it is ready. */
    start,
    token: (claims: Record<string, unknown> = {}, issuer = ISSUER) =>
      liveToken(key, issuer, claims),
    /** A logout token; members replace the good ones. */
    logoutToken(
      claims: Record<string, unknown>,
      header: Record<string, unknown> = {},
      signer = key,
    ): string {
      const nowSeconds = Math.floor(Date.now() / 1_000)
      const good = {
        iss: ISSUER,
        aud: AUDIENCE,
        iat: nowSeconds,
        exp: nowSeconds + 120,
        jti: crypto.randomUUID(),
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      }
      const typed = headerText(signer, { typ: 'logout+jwt', ...header })
      return signRaw(signer, typed, JSON.stringify({ ...good, ...claims }))
    },
    /** What both issuers publish from now on. */
    publish,
    /** How often keys were asked for. */
    fetches: () => jwks.requests.length,
    async close() {
      await jwks.down()
      await upstream.close()
    },
  }
}

/** Two ready gateways on one Redis; `rig`, `here` and `there` of a test. */
export async function openRevocationPair(issuer: Settings = {}) {
  const redis = await RedisServer.start()
  const rig = await openRevocationRig()
  const start = () => rig.start({ redis }, issuer)
  const here = await start()
  const there = await start()
  for (const gateway of [here, there]) await eventually('ready', () => gateway.isReady())
  return {
    redis,
    rig,
    here,
    there,
    /** One more. */
    start,
    async close() {
      await here.stop()
      await there.stop()
      await rig.close()
      await redis.stop()
    },
  }
}

/** The other signature of the same token that verifies just as well: (r, n - s). */
export function secondForm(token: string): string {
  const dot = token.lastIndexOf('.')
  const signature = Buffer.from(token.slice(dot + 1), 'base64url')
  const s = BigInt(`0x${signature.subarray(32).toString('hex')}`)
  const other = Buffer.from((P256_ORDER - s).toString(16).padStart(64, '0'), 'hex')
  const both = Buffer.concat([signature.subarray(0, 32), other])
  return `${token.slice(0, dot)}.${both.toString('base64url')}`
}

/** `200`, or the code of the refusal. */
export async function judgedBy(gateway: TestGateway, token: string): Promise<string> {
  return errorOf(await gateway.ask('/', bearer(token)))
}

export function revoke(
  gateway: TestGateway,
  body: unknown,
  type = 'application/json',
): Promise<AdminAnswer> {
  return gateway.admin('/revocations', {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  })
}

export function postLogout(
  gateway: TestGateway,
  form: string,
  type = 'application/x-www-form-urlencoded',
): Promise<AdminAnswer> {
  return gateway.admin('/backchannel-logout', {
    method: 'POST',
    headers: { 'content-type': type },
    body: form,
  })
}

export function logOut(gateway: TestGateway, token: string): Promise<AdminAnswer> {
  return postLogout(gateway, new URLSearchParams({ logout_token: token }).toString())
}

/** Lifts a revocation; `body`, when there is one, names it in place of an id. */
export function lift(gateway: TestGateway, id: string, body: unknown = null): Promise<AdminAnswer> {
  const path = id === '' ? '/revocations' : `/revocations/${encodeURIComponent(id)}`
  const sent =
    body === null
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  return gateway.admin(path, { method: 'DELETE', ...sent })
}
