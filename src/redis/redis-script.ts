/** A script for Redis, and the name under which a server knows one that it has run before. */
import { hash } from 'node:crypto'

export interface RedisScript {
  readonly text: string
  /** In hexadecimal digits. */
  readonly sha1: string
}

export function redisScript(text: string): RedisScript {
  return { text, sha1: hash('sha1', text, 'hex') }
}
