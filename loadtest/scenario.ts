/** The work that the programs are compared on. */

export type TokenAlgorithm = 'RS256' | 'ES256'

/** The header field that holds the credential, and what stands before it. */
export type CredentialField = 'authorization' | 'cookie'

export const CREDENTIAL_PREFIX: Readonly<Record<CredentialField, string>> = {
  authorization: 'Bearer ',
  cookie: '__Host-sid=',
}

export interface Scenario {
  readonly name: string
  readonly field: CredentialField
  readonly algorithm: TokenAlgorithm
  /** Header fields of each request besides `Host`, `Connection` and the credential. */
  readonly otherFields: Readonly<Record<string, string>>
  /** Whether every request carries a token that no request before it carried. */
  readonly everyTokenNew: boolean
}

/** Keep-alive connections of the load unless told otherwise, each with one request in flight. */
export const CONNECTIONS = 64

/** Tokens among which a scenario with hot tokens rotates. */
export const HOT_TOKENS = 1_000

/** Length that every minted token is padded to, in characters. */
export const TOKEN_LENGTH = 700

/** What the upstream answers. */
export const UPSTREAM_BODY = 'ok'

const REQUEST_PATH = '/api/items'

/** What a program is asked for, and what every response is compared with. */
export interface Errand {
  readonly path: string
  readonly body: string
}

/** The request goes to the upstream, whose answer comes back. */
export const PROXIED: Errand = { path: REQUEST_PATH, body: UPSTREAM_BODY }
/** Another program asks whether it may go there. */
export const DECIDED: Errand = { path: `/_sallyport/decide/ext-authz${REQUEST_PATH}`, body: '' }

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
  field: 'authorization',
  algorithm: 'RS256',
  otherFields: {},
  everyTokenNew: false,
}

export const SCENARIOS: readonly Scenario[] = [
  HOT_RS256,
  { ...HOT_RS256, name: 'hot-es256', algorithm: 'ES256' },
  { ...HOT_RS256, name: 'hot-browser', otherFields: BROWSER_FIELDS },
  { ...HOT_RS256, name: 'new-rs256', everyTokenNew: true },
  { ...HOT_RS256, name: 'new-es256', algorithm: 'ES256', everyTokenNew: true },
  { ...HOT_RS256, name: 'sessions', field: 'cookie' },
]
