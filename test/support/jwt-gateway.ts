/** Whole gateways for tests about credentials: configurations, live tokens, requests, answers. */
import { createPublicKey, type KeyObject, randomUUID } from 'node:crypto'
import { Agent, request } from 'node:http'
import type { JwkMembers } from './key-documents.ts'
import { AUDIENCE, claimsText, headerText, type MintingKey, signRaw } from './mint-token.ts'
import { exchangeRaw, type RawAnswer, type RawTarget } from './raw-http.ts'
import type { Echo } from './upstream-servers.ts'

export type Fields = readonly (readonly [name: string, value: string])[]

export interface JwtGatewayOptions {
  readonly upstream: string
  readonly issuers: Readonly<Record<string, unknown>>
  /** Settings by path. A route is named after its path; `authenticate` is `[jwt]` by default. */
  readonly routes: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly server?: Readonly<Record<string, unknown>>
  readonly cache?: Readonly<Record<string, unknown>>
  readonly identity?: Readonly<Record<string, unknown>>
  /** Share of requests in the access log. Default: all. */
  readonly sampling?: number
}

const EXPIRES_IN_SECONDS = 3_600
const DEADLINE_MS = 20_000

/** A configuration on free ports of loopback. JSON is YAML. */
export function jwtGatewayText(options: JwtGatewayOptions): string {
  const routes = Object.entries(options.routes).map(([path, settings]) => ({
    name: `at${path.replace(/[^a-z]/g, '')}`,
    match: { path },
    upstream: 'only',
    authenticate: ['jwt'],
    ...settings,
  }))
  return JSON.stringify({
    server: {
      host: '127.0.0.1',
      port: 0,
      drain: { delay: '0s', timeout: '200ms' },
      ...options.server,
    },
    admin: { host: '127.0.0.1', port: 0 },
    cache: options.cache ?? {},
    identity: options.identity ?? {},
    issuers: options.issuers,
    upstreams: { only: { targets: [options.upstream] } },
    routes,
    logging: {
      level: 'debug',
      accessLog: { enabled: true, sampling: options.sampling ?? 1, failureSampling: 1 },
    },
  })
}

/** What an issuer publishes of a key. */
export function publishedJwk(key: MintingKey): JwkMembers {
  const jwk = createPublicKey(key.signingKey as KeyObject).export({ format: 'jwk' })
  return { ...jwk, kid: key.keyId, alg: key.algorithm, use: 'sig' }
}

export function wallSeconds(): number {
  return Math.floor(Date.now() / 1_000)
}

/** Claims that are good now, with an id that no other token has. */
export function liveClaims(issuer: string, members: Record<string, unknown> = {}): string {
  const nowSeconds = wallSeconds()
  return claimsText({
    iss: issuer,
    aud: [AUDIENCE],
    iat: nowSeconds - 60,
    nbf: nowSeconds - 60,
    exp: nowSeconds + EXPIRES_IN_SECONDS,
    jti: randomUUID(),
    ...members,
  })
}

/** A good token that nobody has seen before. Members replace the good ones; `undefined` removes. */
export function liveToken(
  key: MintingKey,
  issuer: string,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): string {
  return signRaw(key, headerText(key, header), liveClaims(issuer, claims))
}

export function bearer(token: string): Fields {
  return [['Authorization', `Bearer ${token}`]]
}

/** The bytes of a GET request with exactly these fields, and `Host`. */
function requestBytes(target: string, fields: Fields): string {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${target} HTTP/1.1\r\nHost: gateway.test\r\n${lines.join('')}\r\n`
}

/** Sends a GET request over a connection of its own, so that any listener thread may get it. */
export async function ask(
  gateway: RawTarget | number,
  target: string,
  fields: Fields = [],
): Promise<RawAnswer> {
  const bytes = requestBytes(target, fields)
  const reply = await exchangeRaw(gateway, bytes, { deadlineMs: DEADLINE_MS })
  const answer = reply.answers[0]
  if (answer === undefined) {
    throw new Error(`no answer; closed: ${reply.closed}; received: ${JSON.stringify(reply.text)}`)
  }
  return answer
}

/** What the echo upstream received. */
export function echoOf(answer: RawAnswer): Echo {
  return JSON.parse(answer.body.toString()) as Echo
}

/** Every value of a field as the upstream got it; `_` in its name counts as `-`. */
export function valuesOf(echo: Echo, wanted: string): readonly string[] {
  const values: string[] = []
  for (let index = 0; index < echo.rawHeaders.length; index += 2) {
    const name = echo.rawHeaders[index]?.toLowerCase().replaceAll('_', '-')
    if (name === wanted.toLowerCase()) values.push(echo.rawHeaders[index + 1] ?? '')
  }
  return values
}

/** `error` of a refusal; the status where the body is none. */
export function errorOf(answer: RawAnswer): string {
  const isProblem = answer.headers.some(
    ([name, value]) => name === 'content-type' && value === 'application/problem+json',
  )
  if (!isProblem) return String(answer.status)
  return (JSON.parse(answer.body.toString()) as { readonly error: string }).error
}

export interface FloodAnswer {
  readonly status: number
  readonly text: string
  readonly latencyMs: number
}

/**
 * Sends one request for each token over a few kept connections, as fast as they are answered.
 *
 * @param onAnswer Called with the place of the token.
 */
export async function flood(
  origin: string,
  path: string,
  tokens: readonly string[],
  connections: number,
  onAnswer: (place: number, answer: FloodAnswer) => void,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  let next = 0
  const work = async () => {
    for (let place = next++; place < tokens.length; place = next++) {
      onAnswer(place, await askKept(agent, `${origin}${path}`, tokens[place] ?? ''))
    }
  }
  await Promise.all(Array.from({ length: connections }, work))
  agent.destroy()
}

function askKept(agent: Agent, url: string, token: string): Promise<FloodAnswer> {
  const startedAtMs = performance.now()
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` }
    const outgoing = request(url, { agent, headers }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
      })
      response.on('end', () => {
        const latencyMs = performance.now() - startedAtMs
        resolve({ status: response.statusCode ?? 0, text, latencyMs })
      })
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}
