/** The signed cookie of express-session, as its own signer (`cookie-signature`) makes it. */
import { createHmac } from 'node:crypto'

export function expressSignature(id: string, secret: string): string {
  return createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, '')
}

/** @param signature Good by default. */
export function expressCookie(
  id: string,
  secret: string,
  signature = expressSignature(id, secret),
): string {
  return `connect.sid=s%3A${id}.${encodeURIComponent(signature)}`
}
