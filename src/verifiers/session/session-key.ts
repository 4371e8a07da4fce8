/** Names of sessions: the id that a cookie holds, and the key under which it is stored. */
import { hash } from 'node:crypto'

/**
 * Ids that a login could have made: unguessable, and harmless in whatever they are put into. The
 * store hears of no other.
 */
const SESSION_ID = /^[A-Za-z0-9_-]{22,128}$/

export type KeyHash = 'sha256' | 'none'

export function isSessionId(text: string): boolean {
  return SESSION_ID.test(text)
}

/** SHA-256 of an id, in hexadecimal: what upstreams and logs may see of it. */
export function sessionDigest(id: string): string {
  return hash('sha256', id, 'hex')
}

/**
 * The key of a session. With `sha256` it does not reveal the id, so that a dump of the store is not
 * a list of live sessions.
 *
 * @param id For which {@link isSessionId} holds.
 */
export function sessionKey(keyPrefix: string, keyHash: KeyHash, id: string): string {
  return keyPrefix + (keyHash === 'sha256' ? sessionDigest(id) : id)
}
