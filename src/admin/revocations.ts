/**
 * Withdraws credentials before their time.
 *
 *     POST /revocations    {"jti": "…", "issuer": "…"}    201 once it is in force in all threads
 *
 * The forms of the body are in revocation-entry.ts. Nothing has changed after any 4xx.
 */
import { type Answer, json, methodNotAllowed, problem } from './answer.ts'

/** Whoever owns the revocations. */
export interface RevocationDesk {
  /** @param body JSON, as it came. */
  revoke(body: Uint8Array): RevokeResult
  /** Acts upon a logout token. */
  logout(token: string): Promise<LogoutResult>
}

export type RevokeResult =
  | {
      readonly ok: true
      readonly kind: string
      /** `full`: not in force here. */
      readonly outcome: 'added' | 'known' | 'expired' | 'full'
      readonly untilSeconds: number
      /** Whether other instances will learn it. */
      readonly isSpread: boolean
    }
  /** What is wrong, in words that repeat nothing of the body. */
  | { readonly ok: false; readonly message: string }

export type LogoutResult =
  | { readonly ok: true }
  | {
      readonly ok: false
      readonly error: 'invalid_request' | 'temporarily_unavailable' | 'server_error'
      readonly description: string
    }

export function answerRevocations(
  desk: RevocationDesk,
  method: string,
  contentType: string,
  body: Uint8Array,
): Answer {
  if (method !== 'POST') return methodNotAllowed('/revocations', 'POST')
  // A page of another site can send any text, but not with this type: that would take a preflight.
  if (!/^application\/json\s*(;|$)/i.test(contentType)) {
    return problem(415, 'Unsupported media type', 'The body must be JSON, in application/json.')
  }
  const result = desk.revoke(body)
  if (!result.ok) return problem(400, 'Invalid request', `${capitalised(result.message)}.`)
  const { kind, outcome, untilSeconds, isSpread } = result
  if (outcome === 'full') {
    const others = isSpread ? 'Other instances will be told.' : 'Nobody else will be told.'
    const message = `There is no room for another revocation: it is NOT in force here. ${others}`
    return problem(503, 'Revocations are full', `${message} Raise revocation.capacity.`)
  }
  return json(201, { kind, outcome, until: untilSeconds, spread: isSpread })
}

function capitalised(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`
}
