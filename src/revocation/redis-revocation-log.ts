/**
 * The log of revocations in Redis, as two keys that need not lie on one node:
 *
 *     <prefix>live   sorted set: every record, scored by the second in which it may be dropped;
 *                    and far above them the marks of the log itself
 *     <prefix>new    stream: the latest records, in the order in which they came
 *
 * A reader notes where the stream stands, follows it from there, and meanwhile reads the set, all
 * of it, from the top. The set only loses members at its lower end, when they have expired, so that
 * a rank from the top stays a place to go on from, on whichever server. A record is in the set
 * before it is in the stream, or at once where one script can write both: none can be missed.
 *
 * The log is *another one* when the entry of the stream at which the reader stands is gone, or the
 * mark that the set had: after a fail-over to a replica that has less, after FLUSHALL, or when the
 * reader was away for longer than the stream lasts. Nothing else makes a reader begin anew.
 *
 * Marks: `log:mark:<second of its making>:<random>` is what a log is known by. A reader that finds
 * none makes one, unless another was quicker: each is read at every look.
 * `log:mending:<second at which it ends>:<random>` is there while an instance sends what the log
 * may have lost. Earlier versions count marks as unreadable.
 */
import type { RedisReply } from '../redis/redis-reply.ts'
import type { RecordToSend } from './known-revocations.ts'
import type { RevocationLog, RevocationLogPage, RevocationSetPage } from './revocation-log.ts'

/** What the log asks of Redis. */
export interface RevocationCommands {
  addMember(key: string, member: string, score: number): Promise<RedisReply<number>>
  touchMember(key: string, member: string, score: number): Promise<RedisReply<number>>
  removeMember(key: string, member: string): Promise<RedisReply<number>>
  removeMembersUpTo(key: string, score: number): Promise<RedisReply<number>>
  membersFromTop(key: string, from: number, to: number): Promise<RedisReply<readonly string[]>>
  membersAbove(key: string, score: number, max: number): Promise<RedisReply<readonly string[]>>
  appendToStream(key: string, record: string, lengthMax: number): Promise<RedisReply<string>>
  /** Ids and records from an id on, oldest first. */
  readStream(
    key: string,
    fromId: string,
    count: number,
  ): Promise<RedisReply<readonly (readonly [string, string])[]>>
  /** `null`: there is none. */
  lastStreamId(key: string): Promise<RedisReply<string | null>>
  runScript(
    script: string,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<RedisReply<number>>
}

export interface RevocationLogParts {
  readonly commands: RevocationCommands
  readonly nowSeconds: () => number
  readonly monotonicMs: () => number
  /** Never twice the same, of hexadecimal digits. */
  readonly randomName: () => string
}

/** At a hundred revocations a second: eight minutes. */
const STREAM_LENGTH_MAX = 50_000
const PAGE_RECORDS = 1_000
/** Small: other commands to the same server wait behind it, some 0.5 ms. */
const SET_PAGE_RECORDS = 1_000
/** Above any second in which a record may be dropped. */
const MARK_SCORE = 1e15
/** With more than these, records that were sent in vain may reach others late: at their start. */
const UNTOLD_MAX = 65_536
const MARKS_MAX = 1_024
const MARK = 'log:mark:'
const MENDING = 'log:mending:'
const STREAM_START = '0-0'
/**
 * An instance that learns of a log so young may be ahead of those that know what it lost: they
 * notice within their poll interval, or when they are connected again.
 */
const YOUNG_MS_MAX = 2_000
/** For so long an instance says that it is mending; and no other instance waits longer for it. */
const MENDING_MS_MAX = 60_000

/**
 * Both keys or neither, for each record: a server keeps what a script wrote before one of its
 * commands was refused, so that is taken back. A record that the set held already is told again
 * only where the second argument says so.
 */
const APPEND_SCRIPT = `
if redis.replicate_commands then redis.replicate_commands() end
local added = 0
for i = 4, #ARGV, 2 do
  local isNew = redis.call('ZADD', KEYS[1], ARGV[i + 1], ARGV[i]) == 1
  if isNew or ARGV[2] == '1' then
    local told = redis.pcall('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'record', ARGV[i])
    if type(told) == 'table' then
      if isNew then redis.call('ZREM', KEYS[1], ARGV[i]) end
      return told
    end
  end
  if isNew then added = added + 1 end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
return added`

/** One mark, though a hundred instances find none at the same moment. */
const MARK_SCRIPT = `
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], '+inf')) do
  if string.sub(member, 1, string.len(ARGV[2])) == ARGV[2] then return 0 end
end
return redis.call('ZADD', KEYS[1], ARGV[1], ARGV[3])`

export class RedisRevocationLog implements RevocationLog {
  readonly #live: string
  readonly #new: string
  readonly #parts: RevocationLogParts
  readonly #name: string
  /** In the set, and not yet in the stream. */
  readonly #untold = new Set<string>()
  #mending: string | null = null
  /** When the marks that are there were first seen without those that are not. */
  #firstSeen = { mark: '', atMs: 0 }

  constructor(keyPrefix: string, parts: RevocationLogParts) {
    this.#live = `${keyPrefix}live`
    this.#new = `${keyPrefix}new`
    this.#parts = parts
    this.#name = parts.randomName()
  }

  /**
   * By the script; where that is refused, in steps. Tried each time, because a server that takes
   * no writes for a moment refuses it as one that allows no scripts does.
   */
  async append(records: readonly RecordToSend[], isMending: boolean): Promise<boolean> {
    const isUntold = records.some(({ record }) => this.#untold.has(record))
    const reply = await this.#parts.commands.runScript(
      APPEND_SCRIPT,
      [this.#live, this.#new],
      [
        String(this.#parts.nowSeconds()),
        isMending && !isUntold ? '0' : '1',
        String(STREAM_LENGTH_MAX),
        ...records.flatMap(({ record, expiresAtSeconds }) => [record, String(expiresAtSeconds)]),
      ],
    )
    if (reply.ok) {
      for (const { record } of records) this.#untold.delete(record)
      return true
    }
    if (reply.reason !== 'error') return false
    const held = records.map((it) => this.#appendInSteps(it, isMending))
    // What has expired is no longer anybody's business; a failure leaves it for the next time.
    void this.#parts.commands.removeMembersUpTo(this.#live, this.#parts.nowSeconds())
    return !(await Promise.all(held)).includes(false)
  }

  async readSince(cursor: string | null): Promise<RevocationLogPage | null> {
    if (cursor === null) return this.#begin()
    const [mark = '', streamId = STREAM_START] = cursor.split(' ')
    const { commands } = this.#parts
    // All three share one write.
    const [marks, entries, touched] = await Promise.all([
      commands.membersAbove(this.#live, MARK_SCORE, MARKS_MAX),
      commands.readStream(this.#new, streamId, PAGE_RECORDS),
      commands.touchMember(this.#live, mark, MARK_SCORE),
    ])
    if (!marks.ok || !entries.ok) return null
    const isSameSet = mark !== '' && marks.value.includes(mark)
    const isSameStream = streamId === STREAM_START || entries.value[0]?.[0] === streamId
    // Without a mark, as in front of a server that cannot be written, the set is not known again.
    if (!isSameStream || (!isSameSet && (mark !== '' || touched.ok))) return this.#begin()
    const next = entries.value.filter(([id]) => id !== streamId)
    return {
      records: next.map(([, record]) => record).filter(isRecord),
      cursor: `${mark} ${next.at(-1)?.[0] ?? streamId}`,
      isAnother: false,
      isEnd: entries.value.length < PAGE_RECORDS,
      isWhole: this.#isWhole(mark, marks.value),
      canAppend: touched.ok,
    }
  }

  async readSet(position: number): Promise<RevocationSetPage | null> {
    const last = position + SET_PAGE_RECORDS - 1
    const reply = await this.#parts.commands.membersFromTop(this.#live, position, last)
    if (!reply.ok) return null
    const isLast = reply.value.length < SET_PAGE_RECORDS
    const records = reply.value.filter(isRecord)
    return { records, next: isLast ? null : position + reply.value.length }
  }

  async setMending(isMending: boolean): Promise<void> {
    const { commands, nowSeconds } = this.#parts
    const before = this.#mending
    this.#mending = null
    if (isMending) {
      this.#mending = `${MENDING}${nowSeconds() + MENDING_MS_MAX / 1_000}:${this.#name}`
      await commands.addMember(this.#live, this.#mending, MARK_SCORE)
    }
    if (before !== null) await commands.removeMember(this.#live, before)
  }

  /** Notes where the stream stands before anything of the set is read. */
  async #begin(): Promise<RevocationLogPage | null> {
    const { commands } = this.#parts
    const [marks, last] = await Promise.all([
      commands.membersAbove(this.#live, MARK_SCORE, MARKS_MAX),
      commands.lastStreamId(this.#new),
    ])
    if (!marks.ok || !last.ok) return null
    const mark = markIn(marks.value) ?? (await this.#makeMark())
    const streamId = last.value ?? (await this.#makeFirstEntry(mark))
    await this.#removeOldMending(marks.value)
    return {
      records: [],
      cursor: `${mark} ${streamId}`,
      isAnother: true,
      isEnd: true,
      isWhole: this.#isWhole(mark, marks.value),
      canAppend: mark !== '',
    }
  }

  /** @returns What the log is known by from now on; empty where nothing can be written. */
  async #makeMark(): Promise<string> {
    const { commands, nowSeconds, randomName } = this.#parts
    const mark = `${MARK}${nowSeconds()}:${randomName()}`
    const keys = [this.#live]
    const made = await commands.runScript(MARK_SCRIPT, keys, [String(MARK_SCORE), MARK, mark])
    if (made.ok && made.value === 1) return mark
    if (made.ok) {
      const marks = await commands.membersAbove(this.#live, MARK_SCORE, MARKS_MAX)
      return marks.ok ? (markIn(marks.value) ?? '') : ''
    }
    // Scripts may not be allowed.
    const added = await commands.addMember(this.#live, mark, MARK_SCORE)
    return added.ok ? mark : ''
  }

  /** A place to stand at, by which the stream is known again. */
  async #makeFirstEntry(mark: string): Promise<string> {
    if (mark === '') return STREAM_START
    const made = await this.#parts.commands.appendToStream(this.#new, mark, STREAM_LENGTH_MAX)
    return made.ok ? made.value : STREAM_START
  }

  /** Of instances that ended while they sent. */
  async #removeOldMending(marks: readonly string[]): Promise<void> {
    for (const mark of marks) {
      if (!mark.startsWith(MENDING) || this.#secondOf(mark) > this.#parts.nowSeconds()) continue
      await this.#parts.commands.removeMember(this.#live, mark)
    }
  }

  /**
   * Whether those that know what the log may have lost have had their time. Bounded by our own
   * clock, because marks were made by those of others.
   */
  #isWhole(mark: string, marks: readonly string[]): boolean {
    if (mark === '') return true
    const { nowSeconds, monotonicMs } = this.#parts
    if (this.#firstSeen.mark !== mark) this.#firstSeen = { mark, atMs: monotonicMs() }
    const seenForMs = monotonicMs() - this.#firstSeen.atMs
    const ageMs = (nowSeconds() - this.#secondOf(mark)) * 1_000
    if (seenForMs <= YOUNG_MS_MAX && ageMs <= YOUNG_MS_MAX) return false
    if (seenForMs > MENDING_MS_MAX) return true
    return !marks.some(
      (it) => it.startsWith(MENDING) && it !== this.#mending && this.#secondOf(it) > nowSeconds(),
    )
  }

  #secondOf(mark: string): number {
    return Number(mark.split(':')[2])
  }

  async #appendInSteps(
    { record, expiresAtSeconds }: RecordToSend,
    isMending: boolean,
  ): Promise<boolean> {
    const { commands } = this.#parts
    const kept = await commands.addMember(this.#live, record, expiresAtSeconds)
    if (!kept.ok) return false
    if (isMending && kept.value === 0 && !this.#untold.has(record)) return true
    if (this.#untold.size < UNTOLD_MAX) this.#untold.add(record)
    const told = await commands.appendToStream(this.#new, record, STREAM_LENGTH_MAX)
    if (told.ok) this.#untold.delete(record)
    return told.ok
  }
}

function markIn(members: readonly string[]): string | undefined {
  return members.filter((it) => it.startsWith(MARK)).at(-1)
}

function isRecord(text: string): boolean {
  return !text.startsWith(MARK) && !text.startsWith(MENDING)
}
