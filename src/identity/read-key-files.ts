/** Reads the files of keys that sign internal tokens; checks each, and holds nothing. */
import { open, readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { isWritableByOthers } from '../resilience/file-permissions.ts'
import { FILE_READS_BOUNDS, fileTurns } from '../resilience/file-reads.ts'
import { SingleFlight } from '../resilience/single-flight.ts'
import type { KeyFileProblem } from './key-plan.ts'
import { type SigningKey, signingKeyOfPem } from './signing-key.ts'

/** Files of a directory that are read: the last ones by name. Each key is published. */
export const KEY_FILES_MAX = 16
/** A key is a few hundred bytes. */
const KEY_FILE_BYTES_MAX = 16_384

const KEY_FILE_NAME = /^[^.].*\.pem$/

export interface KeyFile {
  readonly name: string
  readonly key: SigningKey
  /** Wall clock. */
  readonly writtenAtMs: number
}

export interface KeyFilesRead {
  /** Of the usable files; `null` when not even their names could be read. */
  readonly files: readonly KeyFile[] | null
  /** The first thing that was wrong; there may be usable files all the same. */
  readonly problem: KeyFileProblem | null
}

const reads = new SingleFlight<KeyFilesRead>(FILE_READS_BOUNDS)
const UNREAD: KeyFilesRead = { files: null, problem: 'unreadable' }

/**
 * Never rejects. In a directory, names that begin with a dot or do not end in `.pem` are not
 * looked at; links are followed, as mounted secrets have it.
 */
export function readKeyFiles(path: string): Promise<KeyFilesRead> {
  return reads.run(path, () => fileTurns.run(() => readAll(path))) ?? Promise.resolve(UNREAD)
}

async function readAll(path: string): Promise<KeyFilesRead> {
  const paths = await pathsOf(path)
  if (paths === null) return UNREAD
  const files: KeyFile[] = []
  let problem: KeyFileProblem | null = paths.length > KEY_FILES_MAX ? 'too_many_files' : null
  for (const filePath of paths.slice(-KEY_FILES_MAX)) {
    const read = await readKeyFile(filePath)
    if (typeof read === 'string') problem ??= read
    else files.push(read)
  }
  return { files, problem }
}

/** In the order of their names; `null` when unreadable. */
async function pathsOf(path: string): Promise<readonly string[] | null> {
  try {
    if (!(await stat(path)).isDirectory()) return [path]
    const names = (await readdir(path)).filter((name) => KEY_FILE_NAME.test(name))
    // The default order of `sort` is that of code units: the same on every machine.
    return names.sort().map((name) => join(path, name))
  } catch {
    return null
  }
}

async function readKeyFile(path: string): Promise<KeyFile | KeyFileProblem> {
  try {
    const file = await open(path, 'r')
    try {
      const { mode, size, mtimeMs, ctimeMs } = await file.stat()
      if (isWritableByOthers(mode)) return 'unsafe_permissions'
      if (size > KEY_FILE_BYTES_MAX) return 'unusable_key'
      const key = signingKeyOfPem(await file.readFile('utf8'))
      return key === null
        ? 'unusable_key'
        : { name: basename(path), key, writtenAtMs: Math.max(mtimeMs, ctimeMs) }
    } finally {
      await file.close()
    }
  } catch {
    return 'unreadable'
  }
}
