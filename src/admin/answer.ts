/** What the admin listener answers with. */

/** What a call was about, for the audit: nothing of it in clear. */
export interface AuditSubject {
  /** What kind of thing was named, or why a call was refused: a word. */
  readonly kind: string
  /** Digest of what was named; `null`: nothing was. */
  readonly digest: string | null
}

export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
  /** `Allow` of a 405; otherwise `null`. */
  readonly allow: string | null
  /** Left out where it was not found out. */
  readonly about?: AuditSubject
}

/** A request for a resource, read whole. */
export interface AdminRequest {
  readonly method: string
  /** What follows the name of the resource: empty, or one segment, percent-decoded. */
  readonly reference: string
  readonly query: URLSearchParams
  /** `null`: there is none, or it is no JSON object in `application/json`. */
  readonly body: Readonly<Record<string, unknown>> | null
  /** `null`: the body is no `application/x-www-form-urlencoded`. */
  readonly form: URLSearchParams | null
}

const PROBLEM = 'application/problem+json'
const JSON_TYPE = 'application/json'

export function json(status: number, body: object): Answer {
  const text = `${JSON.stringify(body, null, 2)}\n`
  return { status, contentType: JSON_TYPE, body: text, allow: null }
}

export function problem(status: number, title: string, message: string): Answer {
  const body = `${JSON.stringify({ type: 'about:blank', title, status, message })}\n`
  return { status, contentType: PROBLEM, body, allow: null }
}

export function methodNotAllowed(path: string, allow: string): Answer {
  const message = `${path} takes ${allow}.`
  return { ...problem(405, 'Method not allowed', message), allow }
}
