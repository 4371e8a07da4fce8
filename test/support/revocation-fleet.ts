/**
 * A hundred revocation feeds over connections of their own to one Redis: what that has to bear.
 *
 * Only some of them learn the records that were there before. The others throw these away when they
 * have arrived: the traffic is the same, without the memory and processors of a hundred machines.
 */
import { RedisClient } from '../../src/redis/redis-client.ts'
import { RedisRevocationLog } from '../../src/revocation/redis-revocation-log.ts'
import { REVOCATION_FEED_DEFAULTS, RevocationFeed } from '../../src/revocation/revocation-feed.ts'
import { createRevocationBuffer, RevocationIndex } from '../../src/revocation/revocation-index.ts'
import type { RevocationLog } from '../../src/revocation/revocation-log.ts'
import { encodeRevocationRecord } from '../../src/revocation/revocation-record.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { redisOptions } from './redis-options.ts'
import type { RedisServer } from './redis-server.ts'
import { tokenEntryOf } from './revocations.ts'

const KEY_PREFIX = 'revocation:'
/** As the supervisor has them. */
const PATIENCE = { connectTimeoutMs: 3_000, commandTimeoutMs: 3_000 }
const FILL_BATCH = 1_000

export interface FleetMember {
  readonly feed: RevocationFeed
  readonly index: RevocationIndex
  /** Pages of the set that were asked for. */
  pages: number
  stop(): void
}

/** @param capacity Of the index. `forgets`: what it throws away when it arrives. */
export function startMember(
  { node }: RedisServer,
  { capacity, forgets }: { readonly capacity: number; readonly forgets: ReadonlySet<string> },
): FleetMember {
  const redis = new RedisClient(
    redisOptions([node], { ...PATIENCE, connectionsMin: 1, connectionsMax: 1 }),
    {
      random: Math.random,
      onState: (state) => {
        if (state === 'ready') member.feed.lookNow()
      },
      onOversizedRecord: () => {},
    },
  )
  const real = new RedisRevocationLog(KEY_PREFIX, {
    commands: redis,
    nowSeconds: () => systemClock.nowSeconds(),
    monotonicMs: () => systemClock.monotonicMs(),
    randomName: () => Math.random().toString(16).slice(2, 14),
  })
  const log: RevocationLog = {
    append: (records, isMending) => real.append(records, isMending),
    async readSince(cursor) {
      const page = await real.readSince(cursor)
      return page && { ...page, records: page.records.filter((it) => !forgets.has(it)) }
    },
    setMending: (isMending) => real.setMending(isMending),
    async readSet(position) {
      member.pages += 1
      const page = await real.readSet(position)
      return page && { ...page, records: page.records.filter((it) => !forgets.has(it)) }
    },
  }
  const index = new RevocationIndex(createRevocationBuffer(capacity))
  const feed = new RevocationFeed(REVOCATION_FEED_DEFAULTS, {
    index,
    log,
    clock: systemClock,
    random: Math.random,
    later: (run, delayMs) => {
      const timer = setTimeout(run, delayMs)
      return () => clearTimeout(timer)
    },
    onState: () => {},
    onLogLost: () => {},
  })
  const stop = () => {
    feed.stop()
    redis.close()
  }
  const member = { feed, index, pages: 0, stop }
  feed.start()
  return member
}

/** Revocations of `count` tokens, all in force for an hour. @returns The records. */
export async function fillLog(redis: RedisServer, count: number): Promise<ReadonlySet<string>> {
  const records = new Set<string>()
  const untilSeconds = systemClock.nowSeconds() + 3_600
  for (let first = 0; first < count; first += FILL_BATCH) {
    const words: (string | number)[] = []
    for (let number = first; number < Math.min(count, first + FILL_BATCH); number += 1) {
      const record = encodeRevocationRecord(tokenEntryOf(number, untilSeconds))
      records.add(record)
      words.push(untilSeconds, record)
    }
    await redis.command('ZADD', `${KEY_PREFIX}live`, ...words)
  }
  return records
}
