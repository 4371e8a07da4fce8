/** The answer of the gateway itself: one way to refuse, whatever the reason. */
import { STATUS_CODES } from 'node:http'
import { AUTH_ERROR_CODES, AUTH_ERRORS, type AuthErrorCode } from '../protocol/auth-error.ts'
import type { Challenges } from '../protocol/credential-challenges.ts'
import type { Refused } from '../protocol/verification.ts'
import type { LimitAnswer } from '../rate-limit/rate-fields.ts'
import type { ClearedCookie } from './cleared-cookie.ts'
import { type LoginRedirect, type RefusedRequest, seenScheme } from './login-redirect.ts'
import { PROBLEM_FORMAT, type RefusalFormat, type WrittenRefusal } from './refusal-format.ts'

export interface RefusalResponse {
  /** Status line without the version: `401 Unauthorized`. */
  readonly status: string
  readonly statusCode: number
  readonly headers: string[]
  readonly body: string
}

/** What one route says with its refusals. */
export interface RouteRefusals {
  readonly challenges: Challenges
  /** Where browsers are redirected to log in; `null`: nowhere. */
  readonly login: LoginRedirect | null
  /** Takes the session cookie away; `null` where sessions are not accepted. */
  readonly clearedCookie: ClearedCookie | null
  /** How the bodies are written, and in which field the code is. */
  readonly format: RefusalFormat
}

/** Where no route is known: a challenge speaks for a protected resource. */
export const NO_ROUTE: RouteRefusals = {
  challenges: new Map(),
  login: null,
  clearedCookie: null,
  format: PROBLEM_FORMAT,
}

const UNAUTHENTICATED = 401
const FOUND = 302
const FOUND_LINE = '302 Found'

/** Seconds after which a client may try again what the gateway could not decide or deliver. */
const RETRY_AFTER_SECONDS = '1'

const STATUS_LINES: ReadonlyMap<AuthErrorCode, string> = new Map(
  AUTH_ERROR_CODES.map((code) => {
    const { status } = AUTH_ERRORS[code]
    return [code, `${status} ${STATUS_CODES[status] ?? 'Refused'}`]
  }),
)

/**
 * Renders a refusal. Every word follows from the code and the configuration; a browser that may log
 * in is redirected instead, with the URL that it asked for.
 *
 * @param request What was refused; `null` where it is not known well enough to be redirected.
 * @param limit What a limit says about when to come back; `null`: no limit refused it.
 */
export function refusalResponse(
  { code, reason }: Pick<Refused, 'code' | 'reason'>,
  requestId: string,
  { challenges, login, clearedCookie, format }: RouteRefusals,
  request: RefusedRequest | null,
  limit: LimitAnswer | null,
): RefusalResponse {
  const { status: statusCode, retryable } = AUTH_ERRORS[code]
  const page = statusCode === UNAUTHENTICATED ? login : null
  const location = page === null || request === null ? null : page.locationFor(request)
  const written =
    location === null ? format.bodyFor(code, requestId, request) : redirectionTo(location)
  const headers = [...written.headers]
  // A refusal is about this request and this moment: no cache may keep it.
  headers.push('cache-control', 'no-store', 'x-request-id', requestId)
  if (format.codeHeader !== null) headers.push(format.codeHeader, code)
  const challenge = location === null ? challenges.get(code) : undefined
  if (challenge !== undefined) headers.push('www-authenticate', challenge)
  const cleared = request && clearedCookie?.fieldFor(reason, seenScheme(request))
  if (cleared) headers.push('set-cookie', cleared)
  if (location !== null) return { status: FOUND_LINE, statusCode: FOUND, headers, body: '' }
  if (limit !== null)
    headers.push('retry-after', `${limit.retryAfterSeconds}`, ...limit.limitFields)
  else if (retryable) headers.push('retry-after', RETRY_AFTER_SECONDS)
  const status = STATUS_LINES.get(code) ?? ''
  return { status, statusCode, headers, body: written.text }
}

function redirectionTo(location: string): WrittenRefusal {
  return { headers: ['location', location, 'vary', 'Accept'], text: '' }
}
