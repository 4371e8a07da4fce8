/**
 * The `WWW-Authenticate` fields of one protected resource, by the code of the refusal (RFC 9110
 * §11.6.1). A 401 names every scheme that would do when no credential came, and otherwise the one
 * whose credential was bad.
 *
 * Only `Bearer` is a registered scheme. Cookies and API keys have none, unless keys come as bearer
 * tokens; the names here tell people and programs what was looked for, and no browser acts on them.
 */
import { AUTH_ERROR_CODES, AUTH_ERRORS, type AuthErrorCode } from './auth-error.ts'
import { bearerChallenge, type ChallengeParameters, quoted } from './bearer-challenge.ts'

export interface AcceptedSchemes extends ChallengeParameters {
  readonly bearer: boolean
  /** Name of the session cookie; `null`: no sessions here. */
  readonly cookie: string | null
  /** Where API keys may be; empty: none here. */
  readonly apiKeyPlaces: readonly ApiKeyPlace[]
}

interface ApiKeyPlace {
  readonly kind: 'header' | 'cookie' | 'query'
  readonly name: string
  /** Of a header. `null` or absent: the whole value is the key. */
  readonly scheme?: string | null
}

/** The challenge of every code that has one; built once per route. */
export type Challenges = ReadonlyMap<AuthErrorCode, string>

const SESSION_CODES: ReadonlySet<AuthErrorCode> = new Set([
  'invalid_session_format',
  'session_not_found',
  'session_expired',
])

/** Codes of requests without any credential. */
const ABSENT_CODES: ReadonlySet<AuthErrorCode> = new Set(['missing_token', 'no_session'])

/** All challenges of one protected resource, so that a refusal only looks one up. */
export function compileChallenges(accepted: AcceptedSchemes): Challenges {
  const challenges = new Map<AuthErrorCode, string>()
  for (const code of AUTH_ERROR_CODES) {
    const challenge = challengesFor(code, accepted).join(', ')
    if (challenge !== '') challenges.set(code, challenge)
  }
  return challenges
}

function challengesFor(code: AuthErrorCode, accepted: AcceptedSchemes): string[] {
  const cookie = cookieChallenge(accepted)
  const apiKey = apiKeyChallenge(accepted)
  if (ABSENT_CODES.has(code)) {
    const bearer = accepted.bearer ? [bearerChallenge('missing_token', accepted) ?? ''] : []
    const ofKeys = accepted.bearer ? apiKey.filter((it) => !it.startsWith('Bearer ')) : apiKey
    return [...bearer, ...cookie, ...ofKeys]
  }
  if (SESSION_CODES.has(code)) return cookie
  if (code === 'invalid_api_key') return apiKey
  const isAboutCredential = AUTH_ERRORS[code].challengeError !== null
  const bearer = accepted.bearer && isAboutCredential ? bearerChallenge(code, accepted) : null
  return bearer === null ? [] : [bearer]
}

function cookieChallenge({ realm, cookie }: AcceptedSchemes): string[] {
  return cookie === null ? [] : [`Cookie realm=${quoted(realm)}, cookie-name=${quoted(cookie)}`]
}

/** A scheme of the place's own is the challenge; otherwise it says where the key is looked for. */
function apiKeyChallenge({ realm, apiKeyPlaces }: AcceptedSchemes): string[] {
  return apiKeyPlaces.map(({ kind, name, scheme }) => {
    if (kind === 'header' && scheme) {
      return `${/^bearer$/i.test(scheme) ? 'Bearer' : scheme} realm=${quoted(realm)}`
    }
    const parameter = kind === 'cookie' ? 'cookie-name' : kind
    return `ApiKey realm=${quoted(realm)}, ${parameter}=${quoted(name)}`
  })
}
