/**
 * Revocations that no log has taken, on disk from the end of one process to the start of the next.
 *
 *     <directory>/revocations-<random>.txt      sallyport revocations 1 <count>
 *                                               one record a line, as in the log
 *
 * Each end writes a file of its own, so that instances may share the directory. A file is removed
 * when the log has what was read from it: until then it may be read again, which does no harm.
 *
 * Anyone who can write such a file can revoke, and lift what is revoked. So it is private to this
 * user and to groups of this process, which a volume of Kubernetes with `fsGroup` gives access. One
 * that is not, or that this module did not write, is refused as a whole and kept.
 */
import { constants, type Stats } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { randomHex } from '../runtime/randomness.ts'
import type { RevocationEntry } from './revocation-entry.ts'
import { parseRevocationRecord } from './revocation-record.ts'

/**
 * - `unreadable`: the directory or a file cannot be read.
 * - `unsafe_permissions`: somebody else owns the file, or others, or a group that this process is
 *   not in, may read or write it.
 * - `corrupt`: not what this module has written, or not all of it.
 * - `too_many`: more good files, or records, than are read at one start. The others wait for the
 *   next.
 */
export type SpoolRefusal = 'unreadable' | 'unsafe_permissions' | 'corrupt' | 'too_many'

export interface SpoolReading {
  /** Those that are still in force. */
  readonly entries: readonly RevocationEntry[]
  readonly refusals: readonly SpoolRefusal[]
  /** The files that they were read from. */
  readonly paths: readonly string[]
}

/** Some 25 MB. */
export const SPOOLED_RECORDS_MAX = 100_000
const FILE_BYTES_MAX = 32 * 1_024 * 1_024
const FILES_MAX = 64
const FILE_NAME = /^revocations-[0-9a-f]{32}\.txt$/
const TEMPORARY_NAME = /^revocations-[0-9a-f]{32}\.txt\.tmp$/
const FIRST_LINE = /^sallyport revocations 1 (0|[1-9]\d{0,5})$/
const RANDOM_BYTES = 16
const OF_OTHERS = 0o007
const OF_GROUP = 0o070
/** No process takes so long to write one file: the one that began it was killed. */
const ABANDONED_SECONDS = 600
/** Neither follows a link nor waits for the other end of a pipe. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

export class RevocationSpool {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Never rejects. What has expired is dropped. */
  async load(nowSeconds: number): Promise<SpoolReading> {
    const entries: RevocationEntry[] = []
    const refusals: SpoolRefusal[] = []
    const paths: string[] = []
    const names = await this.#names()
    if (names === null) return { entries, refusals: ['unreadable'], paths }
    await this.#removeAbandoned(names, nowSeconds)
    for (const name of names.filter((one) => FILE_NAME.test(one))) {
      // What is refused takes no place: else a good file behind it would wait for ever.
      if (paths.length >= FILES_MAX || entries.length >= SPOOLED_RECORDS_MAX) {
        refusals.push('too_many')
        break
      }
      const path = join(this.#directory, name)
      const found = await readSpool(path, nowSeconds)
      if (typeof found === 'string') refusals.push(found)
      else if (found !== null) {
        paths.push(path)
        entries.push(...found)
      }
    }
    return { entries, refusals, paths }
  }

  /**
   * Writes them in one step: after a crash there is all of the file or none of it. Never rejects.
   *
   * @param records At most {@link SPOOLED_RECORDS_MAX}.
   * @returns Whether they are on disk.
   */
  async save(records: readonly string[]): Promise<boolean> {
    const path = join(this.#directory, `revocations-${randomHex(RANDOM_BYTES)}.txt`)
    const temporary = `${path}.tmp`
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      const file = await open(temporary, 'wx', 0o600)
      try {
        const lines = [`sallyport revocations 1 ${records.length}`, ...records]
        await file.writeFile(`${lines.join('\n')}\n`)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, path)
      return true
    } catch {
      await rm(temporary, { force: true }).catch(() => {})
      return false
    }
  }

  /** The log has what they hold. Never rejects: a file that stays is read once more. */
  async remove(paths: readonly string[]): Promise<void> {
    for (const path of paths) await rm(path, { force: true }).catch(() => {})
  }

  /** What a process that was killed was writing. Never rejects. */
  async #removeAbandoned(names: readonly string[], nowSeconds: number): Promise<void> {
    for (const name of names.filter((one) => TEMPORARY_NAME.test(one))) {
      const path = join(this.#directory, name)
      const facts = await stat(path).catch(() => null)
      const isAbandoned = facts !== null && nowSeconds - facts.mtimeMs / 1_000 > ABANDONED_SECONDS
      if (isAbandoned) await rm(path, { force: true }).catch(() => {})
    }
  }

  /** @returns `null` when they cannot be told. */
  async #names(): Promise<string[] | null> {
    try {
      return (await readdir(this.#directory)).sort()
    } catch (error) {
      // Nothing was ever written.
      return isAbsent(error) ? [] : null
    }
  }
}

/** @returns `null` when the file is gone. */
async function readSpool(
  path: string,
  nowSeconds: number,
): Promise<RevocationEntry[] | SpoolRefusal | null> {
  try {
    const file = await open(path, READ_FLAGS)
    try {
      const facts = await file.stat()
      if (!isPrivate(facts)) return 'unsafe_permissions'
      if (!facts.isFile() || facts.size > FILE_BYTES_MAX) return 'corrupt'
      return parseSpool(await file.readFile('utf8'), nowSeconds) ?? 'corrupt'
    } finally {
      await file.close()
    }
  } catch (error) {
    // Another instance that shares the directory was quicker.
    return isAbsent(error) ? null : 'unreadable'
  }
}

function isPrivate({ mode, uid, gid }: Stats): boolean {
  if (process.getuid !== undefined && uid !== process.getuid()) return false
  if ((mode & OF_OTHERS) !== 0) return false
  return (mode & OF_GROUP) === 0 || isOwnGroup(gid)
}

function isOwnGroup(gid: number): boolean {
  return process.getegid?.() === gid || process.getgroups?.().includes(gid) === true
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/** @returns `null` when anything in it is not as it was written. */
function parseSpool(text: string, nowSeconds: number): RevocationEntry[] | null {
  const [first = '', ...lines] = text.split('\n')
  const count = Number(FIRST_LINE.exec(first)?.[1] ?? Number.NaN)
  // The last line ends, too.
  if (lines.length !== count + 1 || lines.pop() !== '') return null
  const entries: RevocationEntry[] = []
  for (const line of lines) {
    const entry = parseRevocationRecord(line, nowSeconds)
    if (entry === null) return null
    if (entry.untilSeconds > nowSeconds) entries.push(entry)
  }
  return entries
}
