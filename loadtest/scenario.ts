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
  /** Whether every request carries a token that no request before it carried. */
  readonly everyTokenNew: boolean
}

/** Keep-alive connections of the load, each with one request in flight. */
export const CONNECTIONS = 64

/** Tokens among which a scenario with hot tokens rotates. */
export const HOT_TOKENS = 1_000

/** Length that every minted token is padded to, in characters. */
export const TOKEN_LENGTH = 700

/** What the upstream answers, and what every response is compared with. */
export const UPSTREAM_BODY = 'ok'

export const REQUEST_PATH = '/api/items'

export const SCENARIOS: readonly Scenario[] = [
  { name: 'hot-rs256', field: 'authorization', algorithm: 'RS256', everyTokenNew: false },
  { name: 'hot-es256', field: 'authorization', algorithm: 'ES256', everyTokenNew: false },
  { name: 'new-rs256', field: 'authorization', algorithm: 'RS256', everyTokenNew: true },
  { name: 'new-es256', field: 'authorization', algorithm: 'ES256', everyTokenNew: true },
  { name: 'sessions', field: 'cookie', algorithm: 'RS256', everyTokenNew: false },
]
