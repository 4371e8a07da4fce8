/**
 * Reads of files that the configuration names and that may be replaced at any time: keys, and
 * credentials that are shown for keys.
 *
 * A file that hangs (a mount that is away, a pipe without a writer) fails alone: it is read by one
 * call at a time, for which all wait who ask for it, and others are read meanwhile. With two that
 * hang, the rest waits until its deadlines, because copies of key sets may hold a third thread of
 * the pool of four, and the last one is for names.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { FewAtATime } from './few-at-a-time.ts'
import { SingleFlight, type SingleFlightOptions } from './single-flight.ts'

export type FileRead =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly reason: 'file_unreadable' | 'too_large' }

const READS_AT_ONCE = 2

/** All such reads take their turns here. */
export const fileTurns = new FewAtATime(READS_AT_ONCE)

/** Files that are read or wait for it, and those who wait for one of them. */
export const FILE_READS_BOUNDS: SingleFlightOptions = { keysMax: 4_096, waitersPerKeyMax: 1_024 }

const reads = new SingleFlight<FileRead>(FILE_READS_BOUNDS)

const UNREADABLE: FileRead = { ok: false, reason: 'file_unreadable' }
const TOO_LARGE: FileRead = { ok: false, reason: 'too_large' }

/** Never rejects. While a disk hangs, this waits: the caller has a deadline. */
export function readSmallFile(path: string, bytesMax: number): Promise<FileRead> {
  const read = reads.run(`${bytesMax} ${path}`, () => fileTurns.run(() => readAll(path, bytesMax)))
  return read ?? Promise.resolve(UNREADABLE)
}

async function readAll(path: string, bytesMax: number): Promise<FileRead> {
  let file: FileHandle | null = null
  try {
    file = await open(path, 'r')
    // One byte more than allowed tells a file of just the right size from one that is too large.
    const buffer = new Uint8Array(bytesMax + 1)
    let sizeBytes = 0
    while (sizeBytes < buffer.byteLength) {
      const { bytesRead } = await file.read(buffer, sizeBytes, buffer.byteLength - sizeBytes)
      if (bytesRead === 0) break
      sizeBytes += bytesRead
    }
    return sizeBytes > bytesMax ? TOO_LARGE : { ok: true, bytes: buffer.subarray(0, sizeBytes) }
  } catch {
    return UNREADABLE
  } finally {
    await file?.close()
  }
}
