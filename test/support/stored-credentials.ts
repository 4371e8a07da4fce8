/** Credentials as Redis and configurations hold them: ids and keys only as digests. */
import { createHash, randomBytes } from 'node:crypto'

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** An id as a login would make it. */
export function newSessionId(): string {
  return randomBytes(32).toString('base64url')
}
