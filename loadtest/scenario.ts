/** The work that the programs are compared on. */

export type TokenAlgorithm = 'RS256' | 'ES256'

/** A signed token, one that its issuer is asked about, or the cookie of a session in Redis. */
export type CredentialKind = 'jwt' | 'opaque' | 'session'

interface CredentialPlace {
  /** The header field that holds the credential. */
  readonly field: string
  /** What stands before it. */
  readonly prefix: string
}

export const CREDENTIAL_PLACES: Readonly<Record<CredentialKind, CredentialPlace>> = {
  jwt: { field: 'authorization', prefix: 'Bearer ' },
  opaque: { field: 'authorization', prefix: 'Bearer ' },
  session: { field: 'cookie', prefix: '__Host-sid=' },
}

/** What a route of the gateway calls them in `authenticate`. */
export const CREDENTIAL_METHODS: Readonly<Record<CredentialKind, string>> = {
  jwt: 'jwt',
  opaque: 'introspection',
  session: 'session',
}

export interface Scenario {
  readonly name: string
  readonly credential: CredentialKind
  /** Of JWTs. */
  readonly algorithm: TokenAlgorithm
  /** Header fields of each request besides `Host`, `Connection` and the credential. */
  readonly otherFields: Readonly<Record<string, string>>
  /**
   * One request in so many carries a credential that no request before it carried: 1 is every
   * request, 20 are five per cent, 0 is none.
   */
  readonly newEvery: number
  /** Whether the gateway counts requests by address, all together, and verifications. */
  readonly hasLimits: boolean
  /** What a program that proxies is asked for. */
  readonly errand: Errand
}

/** Keep-alive connections of the load unless told otherwise, each with one request in flight. */
export const CONNECTIONS = 64

/** Tokens among which a scenario with hot tokens rotates. */
export const HOT_TOKENS = 1_000

/** Length that every minted token is padded to, in characters. */
export const TOKEN_LENGTH = 700

/** What the upstream answers unless the path says otherwise. */
export const SMALL_ANSWER_BYTES = 2
/** Before a length: where the upstream answers so many bytes at once, or in pieces. */
export const SIZED_PATH = '/api/bytes/'
export const STREAMED_PATH = '/api/stream/'

const REQUEST_PATH = '/api/items'
const KIB = 1_024

/** What a program is asked for. */
export interface Errand {
  readonly path: string
  /** Of the body that is sent, by POST; 0: there is none. */
  readonly sentBytes: number
  /** Of the body that every response must have: {@link bodyOf}. */
  readonly receivedBytes: number
}

/** The request goes to the upstream, whose answer comes back. */
export const PROXIED: Errand = {
  path: REQUEST_PATH,
  sentBytes: 0,
  receivedBytes: SMALL_ANSWER_BYTES,
}
/** Another program asks whether it may go there. */
export const DECIDED: Errand = {
  path: `/_sallyport/decide/ext-authz${REQUEST_PATH}`,
  sentBytes: 0,
  receivedBytes: 0,
}

/** Every body of this length that the load tests send, or compare an answer with. */
export function bodyOf(bytes: number): string {
  return 'x'.repeat(bytes)
}

function answerOf(prefix: string, receivedBytes: number): Errand {
  return { path: `${prefix}${receivedBytes}`, sentBytes: 0, receivedBytes }
}

/** What a browser sends along when a page calls an API. */
export const BROWSER_FIELDS = {
  'user-agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  accept: 'application/json, text/plain, */*',
  'accept-language': 'en-GB,en;q=0.9,de;q=0.8',
  'accept-encoding': 'gzip, deflate, br, zstd',
  referer: 'https://app.loadtest.example/orders?page=3',
  origin: 'https://app.loadtest.example',
  'sec-ch-ua': '"Chromium";v="142", "Not_A Brand";v="99"',
  'sec-ch-ua-mobile': '?0',
  'sec-ch-ua-platform': '"Linux"',
  'sec-fetch-site': 'same-site',
  'sec-fetch-mode': 'cors',
  'sec-fetch-dest': 'empty',
}

const HOT_RS256: Scenario = {
  name: 'hot-rs256',
  credential: 'jwt',
  algorithm: 'RS256',
  otherFields: {},
  newEvery: 0,
  hasLimits: false,
  errand: PROXIED,
}

export const SCENARIOS: readonly Scenario[] = [
  HOT_RS256,
  { ...HOT_RS256, name: 'hot-es256', algorithm: 'ES256' },
  { ...HOT_RS256, name: 'hot-browser', otherFields: BROWSER_FIELDS },
  { ...HOT_RS256, name: 'limits', hasLimits: true },
  { ...HOT_RS256, name: 'mixed', newEvery: 20 },
  { ...HOT_RS256, name: 'new-rs256', newEvery: 1 },
  { ...HOT_RS256, name: 'new-es256', algorithm: 'ES256', newEvery: 1 },
  { ...HOT_RS256, name: 'sessions', credential: 'session' },
  { ...HOT_RS256, name: 'opaque', credential: 'opaque' },
  { ...HOT_RS256, name: 'new-opaque', credential: 'opaque', newEvery: 1 },
  { ...HOT_RS256, name: 'send-1-kib', errand: { ...PROXIED, sentBytes: KIB } },
  { ...HOT_RS256, name: 'send-100-kib', errand: { ...PROXIED, sentBytes: 100 * KIB } },
  { ...HOT_RS256, name: 'receive-1-kib', errand: answerOf(SIZED_PATH, KIB) },
  { ...HOT_RS256, name: 'receive-100-kib', errand: answerOf(SIZED_PATH, 100 * KIB) },
  { ...HOT_RS256, name: 'receive-stream', errand: answerOf(STREAMED_PATH, KIB * KIB) },
]

/** @throws When there is no scenario of this name. */
export function scenarioNamed(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name)
  if (found !== undefined) return found
  throw new Error(`There is no scenario ${name}.`)
}
