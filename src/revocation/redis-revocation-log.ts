/**
 * The log of revocations in Redis: two sorted sets of the same records, in one slot of a cluster.
 *
 *     <prefix>{log}:order   score: place in the log, microseconds      read in this order
 *     <prefix>{log}:ends    score: when the record may be dropped      swept in this order
 *
 * A place is later than every place before it, and not before the server's clock: a server that
 * lost the last records in a failover still numbers what comes on after what was read. So an
 * instance reads on where it stopped, however much came meanwhile, and nothing is ever cut off
 * before its end. Whoever can write here can revoke, and can take revocations back.
 */
import type { Clock } from '../resilience/clock.ts'
import type { RevocationLog, RevocationLogPage } from './revocation-feed.ts'

type Reply<T> = { readonly ok: true; readonly value: T } | { readonly ok: false }

/** What is needed of Redis. */
export interface RevocationCommands {
  membersBetween(
    key: string,
    above: string | null,
    upTo: number,
    membersMax: number,
  ): Promise<Reply<string[]>>
  runScript(
    script: string,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<Reply<number>>
}

const RECORDS_PER_PAGE = 256
const MICROS_PER_SECOND = 1_000_000
/**
 * Places further ahead than clocks can be are nobody's, and are neither read nor followed: after
 * one of them nothing would ever come.
 */
const AHEAD_SECONDS_MAX = 86_400

/** Drops what has ended long enough ago for every clock; so much at once that it stays short. */
const SWEEP = `
local time = redis.call('TIME')
local now = tonumber(time[1])
local ended = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - 300, 'LIMIT', 0, 1000)
if #ended > 0 then
  redis.call('ZREM', KEYS[1], unpack(ended))
  redis.call('ZREM', KEYS[2], unpack(ended))
end
`

const SWEEP_ALONE = `${SWEEP} return #ended`

/** Numbers as text: Lua would write them with 14 digits. */
const APPEND = `${SWEEP}
local place = now * 1000000 + tonumber(time[2])
local horizon = string.format('%.0f', place + ${AHEAD_SECONDS_MAX} * 1000000)
local last = redis.call('ZREVRANGEBYSCORE', KEYS[1], horizon, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
if last[2] and tonumber(last[2]) >= place then place = tonumber(last[2]) + 1 end
redis.call('ZADD', KEYS[1], 'NX', string.format('%.0f', place), ARGV[1])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
local latest = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')
local dropped = string.format('%.0f', math.min(tonumber(latest[2]), now + 40000000) + 600)
redis.call('EXPIREAT', KEYS[1], dropped)
redis.call('EXPIREAT', KEYS[2], dropped)
return 1
`

export class RedisRevocationLog implements RevocationLog {
  readonly #commands: RevocationCommands
  readonly #clock: Clock
  readonly #order: string
  readonly #ends: string

  constructor(commands: RevocationCommands, keyPrefix: string, clock: Clock) {
    this.#commands = commands
    this.#clock = clock
    this.#order = `${keyPrefix}{log}:order`
    this.#ends = `${keyPrefix}{log}:ends`
  }

  async append(record: string, expiresAtSeconds: number): Promise<boolean> {
    const args = [record, String(expiresAtSeconds)]
    return (await this.#commands.runScript(APPEND, [this.#order, this.#ends], args)).ok
  }

  async readSince(cursor: string | null): Promise<RevocationLogPage | null> {
    const horizon = (this.#clock.nowSeconds() + AHEAD_SECONDS_MAX) * MICROS_PER_SECOND
    const reply = await this.#commands.membersBetween(
      this.#order,
      cursor,
      horizon,
      RECORDS_PER_PAGE,
    )
    if (!reply.ok) return null
    const records = reply.value.filter((_, place) => place % 2 === 0)
    const last = reply.value.at(-1)
    return { records, cursor: records.length === 0 || last === undefined ? cursor : last }
  }

  /** Drops what has ended, a thousand records at most. Appending does so, too. */
  async sweep(): Promise<void> {
    await this.#commands.runScript(SWEEP_ALONE, [this.#order, this.#ends], [])
  }
}
