/**
 * Last good JWK Set documents on disk, so that a restart during an outage of the identity provider
 * still serves.
 *
 * Anyone who can write such a file can forge tokens, so it is private to this user and is ignored
 * when it is not. It is a convenience: no failure here ever keeps keys from being used.
 */
import { createHash } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { JWKS_BYTES_MAX } from '../protocol/parse-jwks.ts'
import { parseJsonDocument } from '../protocol/strict-json.ts'
import { FewAtATime } from '../resilience/few-at-a-time.ts'
import { isWritableByOthers } from '../resilience/file-permissions.ts'
import { randomHex } from '../runtime/randomness.ts'

/**
 * - `absent`: no copy yet; not an error.
 * - `unreadable`: the file exists but cannot be read.
 * - `unsafe_permissions`: somebody else owns it or may write to it.
 * - `corrupt`: not a file that this module wrote.
 */
export type DiskCacheRefusal = 'absent' | 'unreadable' | 'unsafe_permissions' | 'corrupt'

export type DiskCopy =
  | { readonly ok: true; readonly document: Uint8Array; readonly savedAtMs: number }
  | { readonly ok: false; readonly reason: DiskCacheRefusal }

/** Version of the file format: a file of another version is corrupt. */
const FORMAT = 1
/** Base64 and a little JSON around it. */
const FILE_BYTES_MAX = 2 * JWKS_BYTES_MAX

/** Of all issuers: together they never hold more than one thread of the pool. */
const diskWork = new FewAtATime(1)

interface WaitingCopy {
  document: Uint8Array
  savedAtMs: number
  readonly isSaved: Promise<boolean>
}

export class DiskCache {
  readonly #directory: string
  readonly #path: string
  /** What is written next; a disk that hangs has one document waiting, the newest. */
  #waiting: WaitingCopy | null = null

  /**
   * @param copyOf Whose keys they are, where they come from and whom they are trusted by: a copy of
   *   anything else is never loaded.
   */
  constructor(directory: string, copyOf: string) {
    const name = createHash('sha256').update(copyOf).digest('hex')
    this.#directory = directory
    this.#path = join(directory, `jwks-${name}.json`)
  }

  /** Never rejects. The document is as unjudged as one from the network: parse it. */
  load(): Promise<DiskCopy> {
    return diskWork.run(() => this.#read())
  }

  async #read(): Promise<DiskCopy> {
    try {
      const file = await open(this.#path, 'r')
      try {
        const { mode, uid, size } = await file.stat()
        const isForeign = process.getuid !== undefined && uid !== process.getuid()
        if (isForeign || isWritableByOthers(mode)) return refused('unsafe_permissions')
        if (size > FILE_BYTES_MAX) return refused('corrupt')
        return readCopy(await file.readFile())
      } finally {
        await file.close()
      }
    } catch (error) {
      return refused(isAbsent(error) ? 'absent' : 'unreadable')
    }
  }

  /**
   * Replaces the copy in one step: after a crash there is the old one or the new one. Never
   * rejects. While an earlier write runs or waits for its turn, only the newest document waits.
   *
   * @returns Whether the copy, or a newer one, is on disk.
   */
  save(document: Uint8Array, savedAtMs: number): Promise<boolean> {
    if (this.#waiting !== null) {
      this.#waiting.document = document
      this.#waiting.savedAtMs = savedAtMs
      return this.#waiting.isSaved
    }
    const isSaved = diskWork.run(() => {
      const newest = this.#waiting
      this.#waiting = null
      return newest === null
        ? Promise.resolve(true)
        : this.#replace(newest.document, newest.savedAtMs)
    })
    this.#waiting = { document, savedAtMs, isSaved }
    return isSaved
  }

  async #replace(document: Uint8Array, savedAtMs: number): Promise<boolean> {
    const temporary = `${this.#path}.${randomHex(8)}.tmp`
    const jwks = Buffer.from(document).toString('base64')
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      const file = await open(temporary, 'wx', 0o600)
      try {
        await file.writeFile(JSON.stringify({ format: FORMAT, savedAtMs, jwks }))
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, this.#path)
      return true
    } catch {
      await rm(temporary, { force: true }).catch(() => {})
      return false
    }
  }
}

function readCopy(bytes: Uint8Array): DiskCopy {
  const json = parseJsonDocument(bytes)
  if (typeof json !== 'object' || json === null) return refused('corrupt')
  const members = new Map<string, unknown>(Object.entries(json))
  const savedAtMs = members.get('savedAtMs')
  const jwks = members.get('jwks')
  if (members.get('format') !== FORMAT) return refused('corrupt')
  if (typeof savedAtMs !== 'number' || typeof jwks !== 'string') return refused('corrupt')
  return { ok: true, document: Buffer.from(jwks, 'base64'), savedAtMs }
}

function refused(reason: DiskCacheRefusal): DiskCopy {
  return { ok: false, reason }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
