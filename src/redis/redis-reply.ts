/** What becomes of a command to Redis: a value, or one word for why there is none. */

/**
 * - `unavailable`: no ready connection, or it was lost; the command may or may not have run.
 * - `timeout`: no reply within the command's time; it may still run.
 * - `read_only`: the server is a replica and takes no writes.
 * - `out_of_memory`: the server is at its `maxmemory` and takes no writes that need more.
 * - `wrong_type`: the key holds another kind of value.
 * - `unknown_script`: the server does not know the script of this digest; nothing ran.
 * - `too_large`: the record is larger than any may be. Says nothing about the server.
 * - `error`: any other error of the server, or a reply that the command cannot have.
 */
export type RedisFailure =
  | 'unavailable'
  | 'timeout'
  | 'read_only'
  | 'out_of_memory'
  | 'wrong_type'
  | 'unknown_script'
  | 'too_large'
  | 'error'

export interface RedisFailed {
  readonly ok: false
  readonly reason: RedisFailure
}

export type RedisReply<T> = { readonly ok: true; readonly value: T } | RedisFailed

const FAILED: Readonly<Record<RedisFailure, RedisFailed>> = {
  unavailable: Object.freeze({ ok: false, reason: 'unavailable' }),
  timeout: Object.freeze({ ok: false, reason: 'timeout' }),
  read_only: Object.freeze({ ok: false, reason: 'read_only' }),
  out_of_memory: Object.freeze({ ok: false, reason: 'out_of_memory' }),
  wrong_type: Object.freeze({ ok: false, reason: 'wrong_type' }),
  unknown_script: Object.freeze({ ok: false, reason: 'unknown_script' }),
  too_large: Object.freeze({ ok: false, reason: 'too_large' }),
  error: Object.freeze({ ok: false, reason: 'error' }),
}

/** First words of the server's error replies, and what they are to us. */
const REASONS: ReadonlyMap<string, RedisFailure> = new Map([
  ['READONLY', 'read_only'],
  ['OOM', 'out_of_memory'],
  ['WRONGTYPE', 'wrong_type'],
  ['NOSCRIPT', 'unknown_script'],
  // The server is there, but for the moment it, or this part of the cluster, serves no client.
  ['LOADING', 'unavailable'],
  ['MASTERDOWN', 'unavailable'],
  ['CLUSTERDOWN', 'unavailable'],
  ['TRYAGAIN', 'unavailable'],
  ['MOVED', 'unavailable'],
  ['ASK', 'unavailable'],
])

/** Before version 7 the error of a command in a script stands behind the places where it arose. */
const IN_SCRIPT = /^ERR Error running script .*?@user_script: ?\d+: -?([A-Z]+) /

/** The one failure for this reason: always the same object, because an outage makes many. */
export function redisFailed(reason: RedisFailure): RedisFailed {
  return FAILED[reason]
}

/** Maps what the client library rejects with. Its text may quote a key and is not kept. */
export function redisFailureOf(error: unknown): RedisFailed {
  if (!(error instanceof Error)) return FAILED.error
  if (error.message === 'Command timed out') return FAILED.timeout
  // Everything that does not come from the server comes from having no connection to it.
  if (error.name !== 'ReplyError') return FAILED.unavailable
  const word = IN_SCRIPT.exec(error.message)?.[1] ?? firstWord(error.message)
  return FAILED[REASONS.get(word) ?? 'error']
}

/** An error reply begins with a word for programs. */
function firstWord(text: string): string {
  const end = text.indexOf(' ')
  return end === -1 ? text : text.slice(0, end)
}
