/** The body of a refusal: a problem details object (RFC 9457). */
import { AUTH_ERROR_CODES, AUTH_ERRORS, type AuthErrorCode } from './auth-error.ts'

export const PROBLEM_CONTENT_TYPE = 'application/problem+json'

/** Everything before the request id, which alone differs between two answers of one code. */
const BEFORE_REQUEST_ID: ReadonlyMap<AuthErrorCode, string> = new Map(
  AUTH_ERROR_CODES.map((code) => {
    const { status, title, message } = AUTH_ERRORS[code]
    const members = { type: problemType(code), title, status, error: code, message }
    return [code, `${JSON.stringify(members).slice(0, -1)},"request_id":`]
  }),
)

/**
 * `type` of a problem: a stable name, not a place (§3.1.1 allows URIs that lead nowhere), because
 * a gateway does not know under which address its documents are published.
 */
function problemType(code: AuthErrorCode): string {
  return `urn:sallyport:error:${code}`
}

/**
 * The JSON text for one refused request: `type`, `title`, `status`, `error`, `message`,
 * `request_id`, in this order.
 *
 * @param requestId Any text; it is escaped.
 */
export function problemDetails(code: AuthErrorCode, requestId: string): string {
  return `${BEFORE_REQUEST_ID.get(code) ?? ''}${JSON.stringify(requestId)}}`
}
