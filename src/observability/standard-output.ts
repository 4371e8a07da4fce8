/**
 * The standard output and the standard error: the only door to both. Writing never blocks the
 * thread and never throws, whatever the stream is connected to.
 *
 * - A pipe, terminal or device is opened anew through /proc (Linux), so that only this opening is
 *   non-blocking: other processes that share the stream notice nothing.
 * - A socket, and a pipe that cannot be opened anew, is written by the stream of Node, which makes
 *   it non-blocking.
 * - A file, and anything else, is written by a thread of Node's pool, one write at a time.
 */
import { constants, fstatSync, openSync, type Stats, write, writeSync } from 'node:fs'

export type StandardDescriptor = 1 | 2

/** Why a line could not be written. Values of a metric label. */
export const WRITE_FAILURES = ['reader_gone', 'no_space', 'io_error', 'closed', 'other'] as const

export type WriteFailure = (typeof WRITE_FAILURES)[number]

export interface WriteOutcome {
  readonly writtenBytes: number
  /** `full`: the reader is behind. The rest can be tried again, whatever it is. */
  readonly problem: WriteFailure | 'full' | null
}

export interface Output {
  /** Writes some of it, at once or later. Never rejects. Call it again only when it has settled. */
  write(bytes: Buffer): WriteOutcome | Promise<WriteOutcome>
}

/** What the kernel takes as a whole or not at all, also among several processes (PIPE_BUF). */
const ATOMIC_BYTES = 4_096
const LINE_FEED = 0x0a
const LEAVE_POLL_MS = 20
const LEAVE_WAIT_MS = 1_000

const FAILURES: Readonly<Record<string, WriteFailure | 'full'>> = {
  EAGAIN: 'full',
  EPIPE: 'reader_gone',
  ENXIO: 'reader_gone',
  ECONNRESET: 'reader_gone',
  ENOSPC: 'no_space',
  EDQUOT: 'no_space',
  EFBIG: 'no_space',
  EIO: 'io_error',
  EBADF: 'closed',
}

export function openStandardOutput(descriptor: StandardDescriptor): Output {
  const stats = statsOf(descriptor)
  const isPipe = stats?.isFIFO() === true
  if (process.platform === 'linux' && (isPipe || stats?.isCharacterDevice() === true)) {
    return new ReopenedOutput(descriptor, isPipe)
  }
  return isPipe || stats?.isSocket() === true
    ? new StreamOutput(descriptor)
    : new FileOutput(descriptor)
}

/**
 * Ends the process. Write what has to be written before.
 *
 * Work with files that has begun is waited for a little. Then the process ends by SIGKILL: exiting
 * would wait for a thread of the pool that hangs in a call to a disk.
 */
export async function leave(exitCode: number): Promise<never> {
  for (let waitedMs = 0; hasFileWork(); waitedMs += LEAVE_POLL_MS) {
    if (waitedMs >= LEAVE_WAIT_MS) process.kill(process.pid, 'SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, LEAVE_POLL_MS))
  }
  process.exit(exitCode)
}

function hasFileWork(): boolean {
  return process.getActiveResourcesInfo().some((resource) => resource.startsWith('FSReq'))
}

class ReopenedOutput implements Output {
  readonly #descriptor: StandardDescriptor
  readonly #isPipe: boolean
  #reopened: number | null = null
  #instead: Output | null = null

  constructor(descriptor: StandardDescriptor, isPipe: boolean) {
    this.#descriptor = descriptor
    this.#isPipe = isPipe
  }

  write(bytes: Buffer): WriteOutcome | Promise<WriteOutcome> {
    if (this.#instead !== null) return this.#instead.write(bytes)
    const piece = atomicPiece(bytes)
    try {
      this.#reopened ??= openSync(
        `/proc/self/fd/${this.#descriptor}`,
        constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY,
      )
      return { writtenBytes: writeSync(this.#reopened, piece), problem: null }
    } catch (error) {
      const problem = problemOf(error)
      if (this.#reopened !== null || problem === 'reader_gone') return { writtenBytes: 0, problem }
      // It belongs to another user, or there is no /proc.
      this.#instead = this.#isPipe
        ? new StreamOutput(this.#descriptor)
        : new FileOutput(this.#descriptor)
      return this.#instead.write(bytes)
    }
  }
}

class StreamOutput implements Output {
  readonly #stream: NodeJS.WriteStream

  constructor(descriptor: StandardDescriptor) {
    this.#stream = descriptor === 1 ? process.stdout : process.stderr
    // The callback of each write has it too; without a listener it would end the process.
    this.#stream.on('error', () => {})
  }

  write(bytes: Buffer): Promise<WriteOutcome> {
    return new Promise((resolve) => {
      this.#stream.write(bytes, (error) => {
        if (error) resolve({ writtenBytes: 0, problem: problemOf(error) })
        else resolve({ writtenBytes: bytes.length, problem: null })
      })
    })
  }
}

class FileOutput implements Output {
  readonly #descriptor: StandardDescriptor

  constructor(descriptor: StandardDescriptor) {
    this.#descriptor = descriptor
  }

  write(bytes: Buffer): Promise<WriteOutcome> {
    return new Promise((resolve) => {
      write(this.#descriptor, bytes, 0, bytes.length, null, (error, writtenBytes) => {
        resolve({ writtenBytes, problem: error === null ? null : problemOf(error) })
      })
    })
  }
}

/** Whole lines where they fit, so that lines of other processes in the same pipe stay whole too. */
function atomicPiece(bytes: Buffer): Buffer {
  if (bytes.length <= ATOMIC_BYTES) return bytes
  const piece = bytes.subarray(0, ATOMIC_BYTES)
  const wholeBytes = piece.lastIndexOf(LINE_FEED) + 1
  return wholeBytes === 0 ? piece : piece.subarray(0, wholeBytes)
}

function statsOf(descriptor: StandardDescriptor): Stats | null {
  try {
    return fstatSync(descriptor)
  } catch {
    return null
  }
}

function problemOf(error: unknown): WriteFailure | 'full' {
  const code = error instanceof Error && 'code' in error ? error.code : null
  return (typeof code === 'string' && FAILURES[code]) || 'other'
}
