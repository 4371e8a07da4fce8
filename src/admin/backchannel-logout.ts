/**
 * Where an issuer says that somebody has logged out (OpenID Connect Back-Channel Logout 1.0 §2.5
 * to §2.8). Needs no admin token: the signature of the logout token says who it is.
 *
 *     POST /backchannel-logout    logout_token=…    200, or 400 with a JSON error
 */
import { type Answer, json, methodNotAllowed } from './answer.ts'
import type { RevocationDesk } from './revocations.ts'

export async function answerBackchannelLogout(
  desk: RevocationDesk,
  method: string,
  contentType: string,
  body: Uint8Array,
): Promise<Answer> {
  if (method !== 'POST') return methodNotAllowed('/backchannel-logout', 'POST')
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(contentType)) {
    return refused('invalid_request', 'the body must be in application/x-www-form-urlencoded')
  }
  const form = new URLSearchParams(Buffer.from(body).toString('latin1'))
  const [token = '', ...others] = form.getAll('logout_token')
  if (token === '' || others.length > 0) {
    return refused('invalid_request', 'there must be one logout_token')
  }
  const result = await desk.logout(token)
  return result.ok ? json(200, {}) : refused(result.error, result.description)
}

/** 400 whatever the reason is: §2.8 knows no other status. */
function refused(error: string, description: string): Answer {
  return json(400, { error, error_description: description })
}
