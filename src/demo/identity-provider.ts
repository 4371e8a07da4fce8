/**
 * A real OpenID provider in this process, for the demonstration and for tests: discovery, JWK Set,
 * token, introspection and revocation endpoints over HTTP; access tokens by the client credentials
 * grant, signed (RFC 9068) or opaque.
 *
 * For loopback only: plain http, one client whose secret is no secret, keys made at the start.
 */
import { createPrivateKey, generateKeyPair, type JsonWebKey } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { errors, Provider } from 'oidc-provider'
import { parseJsonText } from '../protocol/strict-json.ts'
import { randomHex } from '../runtime/randomness.ts'
import { TokenStorage } from './token-storage.ts'

export const SIGNING_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number]

export interface IdentityProviderOptions {
  readonly host?: '127.0.0.1' | '::1'
  /** 0, the default, takes any free port. */
  readonly port?: number
  /** One key for each; the first is the default of `issueAccessToken`. Default: all. */
  readonly algorithms?: readonly SigningAlgorithm[]
  /** `aud` of every access token. */
  readonly audience: string
  /** Scopes that may be asked for. */
  readonly scopes?: readonly string[]
  /** A client that authenticates with a key of its own (`private_key_jwt`): its public JWK. */
  readonly keyClientJwk?: JsonWebKey
  /** Claims of every access token unless a request for one says otherwise. */
  readonly claims?: Readonly<Record<string, unknown>>
}

export interface AccessTokenRequest {
  readonly algorithm?: SigningAlgorithm
  readonly scopes?: readonly string[]
  /** Added last, so it may replace any claim: `sub`, `exp`, `aud` … */
  readonly claims?: Readonly<Record<string, unknown>>
  /** Default: one hour. */
  readonly expiresInSeconds?: number
}

export interface OpaqueTokenRequest {
  readonly scopes?: readonly string[]
  /** Part of what introspection says of the token. */
  readonly claims?: Readonly<Record<string, unknown>>
}

export interface IdentityProvider {
  /** Exactly what `iss` says. */
  readonly issuer: string
  readonly jwksUri: string
  readonly tokenEndpoint: string
  readonly clientId: string
  readonly clientSecret: string
  readonly introspectionEndpoint: string
  /** Clients of the introspection endpoint that authenticate in other ways. */
  readonly postClientId: string
  readonly keyClientId: string
  /** An opaque access token: only introspection says what it is. */
  issueOpaqueToken(request?: OpaqueTokenRequest): Promise<string>
  /** Ends a token (RFC 7009). */
  revoke(token: string): Promise<void>
  /** Value of the `resource` parameter that makes the token endpoint sign with this algorithm. */
  resourceFor(algorithm: SigningAlgorithm): string
  /** Asks the token endpoint over HTTP, as any client would. */
  issueAccessToken(request?: AccessTokenRequest): Promise<string>
  /** `kid` of the key that signs with this algorithm now. */
  signingKeyId(algorithm: SigningAlgorithm): string
  /**
   * Makes new keys, which sign from now on. With `keepOld` the old ones stay published.
   * Tokens that were issued before still carry the old `kid`.
   */
  rotateKeys(options: { readonly keepOld: boolean }): Promise<void>
  stop(): Promise<void>
}

interface SigningKey {
  readonly algorithm: SigningAlgorithm
  readonly keyId: string
  readonly privateJwk: JsonWebKey
}

const CLIENT_ID = 'demo-client'
const CLIENT_SECRET = 'demo-client-secret'
const POST_CLIENT_ID = 'demo-post-client'
const KEY_CLIENT_ID = 'demo-key-client'
const RESOURCE_PREFIX = 'urn:sallyport:demo:'
const OPAQUE_RESOURCE = `${RESOURCE_PREFIX}opaque`
const TOKEN_TTL_SECONDS = 3_600
/** Names claims that `issueAccessToken` holds ready in this process; worthless to anyone else. */
const TICKET_HEADER = 'x-claims-ticket'

/** Starts listening. Settles once the provider answers. */
export async function startIdentityProvider(
  options: IdentityProviderOptions,
): Promise<IdentityProvider> {
  const algorithms = options.algorithms ?? SIGNING_ALGORITHMS
  const host = options.host ?? '127.0.0.1'
  const tickets = new Map<string, Readonly<Record<string, unknown>>>()
  let keys = await makeKeys(algorithms)
  // Reserved first: the issuer's name contains the port.
  const server = createServer()
  const port = await listen(server, options.port ?? 0, host)
  const issuer = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  const storage = new TokenStorage()
  let handle = createHandler(issuer, keys, options, tickets, storage)
  server.on('request', (request, response) => void handle(request, response))

  function signingKey(algorithm: SigningAlgorithm): SigningKey {
    const key = keys.find((candidate) => candidate.algorithm === algorithm)
    if (key === undefined) throw new RangeError(`this provider does not sign with ${algorithm}`)
    return key
  }

  async function issueToken(resource: string, request: AccessTokenRequest): Promise<string> {
    const ticket = randomHex(16)
    const expiresInSeconds = request.expiresInSeconds ?? TOKEN_TTL_SECONDS
    tickets.set(ticket, { expires_in: expiresInSeconds, ...request.claims })
    const parameters = {
      grant_type: 'client_credentials',
      resource,
      scope: (request.scopes ?? options.scopes ?? []).join(' '),
    }
    try {
      const answer = await askAsClient(`${issuer}/token`, parameters, ticket)
      if (typeof answer['access_token'] === 'string') return answer['access_token']
      throw new Error(`the token endpoint answered ${JSON.stringify(answer)}`)
    } finally {
      tickets.delete(ticket)
    }
  }

  return {
    issuer,
    jwksUri: `${issuer}/jwks`,
    tokenEndpoint: `${issuer}/token`,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    resourceFor: (algorithm) => `${RESOURCE_PREFIX}${algorithm}`,
    introspectionEndpoint: `${issuer}/token/introspection`,
    postClientId: POST_CLIENT_ID,
    keyClientId: KEY_CLIENT_ID,
    issueAccessToken(request: AccessTokenRequest = {}) {
      const algorithm = request.algorithm ?? algorithms[0] ?? 'RS256'
      return issueToken(`${RESOURCE_PREFIX}${algorithm}`, request)
    },
    issueOpaqueToken: (request = {}) => issueToken(OPAQUE_RESOURCE, request),
    async revoke(token) {
      await askAsClient(`${issuer}/token/revocation`, { token }, '')
    },
    signingKeyId: (algorithm) => signingKey(algorithm).keyId,
    async rotateKeys({ keepOld }) {
      const fresh = await makeKeys(algorithms)
      keys = keepOld ? [...fresh, ...keys] : fresh
      // The provider takes its keys when it is made, so it is made again behind the same socket.
      handle = createHandler(issuer, keys, options, tickets, storage)
    },
    stop: () => stopServer(server),
  }
}

function createHandler(
  issuer: string,
  keys: readonly SigningKey[],
  options: IdentityProviderOptions,
  tickets: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
  storage: TokenStorage,
): ReturnType<Provider['callback']> {
  const algorithms = [...new Set(keys.map((key) => key.algorithm))]
  return new Provider(issuer, {
    // Everything is set explicitly for which the package would otherwise print a notice.
    adapter: (kind: string) => storage.adapter(kind),
    cookies: { keys: [randomHex(32)] },
    jwks: { keys: keys.map((key) => key.privateJwk) },
    enabledJWA: { idTokenSigningAlgValues: algorithms },
    clientDefaults: { id_token_signed_response_alg: algorithms[0] },
    clients: clientsOf(options),
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    scopes: [...(options.scopes ?? [])],
    ttl: { ClientCredentials: TOKEN_TTL_SECONDS },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context: unknown, resource: string) =>
          resourceServer(resource, keys, options),
      },
    },
    extraTokenClaims: (context: { readonly req: IncomingMessage }) => {
      const { expires_in: _, ...claims } = askedClaims(context.req, tickets) ?? {}
      return { ...options.claims, ...claims }
    },
    formats: {
      customizers: {
        jwt(context: { readonly req: IncomingMessage }, _token: unknown, parts: TokenParts) {
          const asked = askedClaims(context.req, tickets)
          parts.payload = claimsOf(parts.payload, options.claims, asked)
        },
      },
    },
  }).callback()
}

/** Clients that get tokens and clients that introspect them, for each way of authentication. */
function clientsOf({ keyClientJwk }: IdentityProviderOptions): object[] {
  const shared = { redirect_uris: [], response_types: [], grant_types: ['client_credentials'] }
  const secret = { ...shared, client_secret: CLIENT_SECRET }
  return [
    { ...secret, client_id: CLIENT_ID, token_endpoint_auth_method: 'client_secret_basic' },
    { ...secret, client_id: POST_CLIENT_ID, token_endpoint_auth_method: 'client_secret_post' },
    ...(keyClientJwk === undefined
      ? []
      : [
          {
            ...shared,
            client_id: KEY_CLIENT_ID,
            token_endpoint_auth_method: 'private_key_jwt',
            jwks: { keys: [keyClientJwk] },
          },
        ]),
  ]
}

function askedClaims(
  request: IncomingMessage,
  tickets: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
): Readonly<Record<string, unknown>> | undefined {
  const ticket = request.headers[TICKET_HEADER]
  return typeof ticket === 'string' ? tickets.get(ticket) : undefined
}

interface TokenParts {
  payload: Readonly<Record<string, unknown>>
}

function claimsOf(
  issued: Readonly<Record<string, unknown>>,
  standing: Readonly<Record<string, unknown>> | undefined,
  asked: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> {
  const { expires_in: expiresInSeconds, ...claims } = asked ?? {}
  const exp =
    typeof expiresInSeconds === 'number' ? Number(issued['iat']) + expiresInSeconds : issued['exp']
  return { ...issued, exp, ...standing, ...claims }
}

function resourceServer(
  resource: string,
  keys: readonly SigningKey[],
  options: IdentityProviderOptions,
): object {
  if (resource === OPAQUE_RESOURCE) {
    return {
      audience: options.audience,
      scope: (options.scopes ?? []).join(' '),
      accessTokenTTL: TOKEN_TTL_SECONDS,
      accessTokenFormat: 'opaque',
    }
  }
  const key = keys.find((candidate) => resource === `${RESOURCE_PREFIX}${candidate.algorithm}`)
  if (key === undefined) throw new errors.InvalidTarget()
  return {
    audience: options.audience,
    scope: (options.scopes ?? []).join(' '),
    accessTokenTTL: TOKEN_TTL_SECONDS,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: key.algorithm, kid: key.keyId } },
  }
}

const generate = promisify(generateKeyPair)
const KEY_TYPES = {
  RS256: ['rsa', ''],
  PS256: ['rsa', ''],
  ES256: ['ec', 'P-256'],
  ES384: ['ec', 'P-384'],
  ES512: ['ec', 'P-521'],
  EdDSA: ['ed25519', ''],
} as const
/** Node 20 can deadlock when a key object of a finished generator is exported. */
const AS_TEXT = {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
} as const

function makeKeys(algorithms: readonly SigningAlgorithm[]): Promise<readonly SigningKey[]> {
  return Promise.all(algorithms.map(makeKey))
}

async function makeKey(algorithm: SigningAlgorithm): Promise<SigningKey> {
  const keyId = `${algorithm.toLowerCase()}-${randomHex(6)}`
  const { privateKey } = await generatePair(algorithm)
  const jwk = createPrivateKey(privateKey).export({ format: 'jwk' })
  return { algorithm, keyId, privateJwk: { ...jwk, kid: keyId, alg: algorithm, use: 'sig' } }
}

function generatePair(algorithm: SigningAlgorithm) {
  const [type, namedCurve] = KEY_TYPES[algorithm]
  const options = { modulusLength: 2_048, namedCurve, ...AS_TEXT }
  // Each type takes what it needs of the options; the declared overloads insist on one.
  return generate(type as 'rsa', options)
}

async function askAsClient(
  url: string,
  parameters: Readonly<Record<string, string>>,
  ticket: string,
): Promise<Readonly<Record<string, unknown>>> {
  const credentials = Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString('base64')
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}`, [TICKET_HEADER]: ticket },
    body: new URLSearchParams(parameters),
  })
  const text = await response.text()
  return parseJsonText(text) ?? {}
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

function stopServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
