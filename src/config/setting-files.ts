/** The files that settings name: opened while the configuration is loaded, within limits. */
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ConfigPath, SettingProblem } from './config-error.ts'
import { ABSENT, fileState } from './file-state.ts'

/** Files with secrets, keys and certificates are short; what is longer was named by mistake. */
const CONTENT_BYTES_MAX = 65_536
/** The authorities of a whole system are some 250 kB. */
const AUTHORITIES_BYTES_MAX = 1_048_576

/** What cannot be read is a problem at the setting. */
export class SettingFiles {
  readonly #directory: string
  readonly #problems: SettingProblem[] = []
  readonly #states = new Map<string, string>()
  readonly #unread = new Map<string, string>()

  constructor(directory: string) {
    this.#directory = directory
  }

  get problems(): readonly SettingProblem[] {
    return this.#problems
  }

  /** Files whose content has become part of the configuration, as they were when it was read. */
  get states(): ReadonlyMap<string, string> {
    return this.#states
  }

  /** Files that were named and could not be read, as they were then. */
  get unread(): ReadonlyMap<string, string> {
    return this.#unread
  }

  report(path: ConfigPath, message: string): void {
    this.#problems.push({ path, message })
  }

  absolute(name: string): string {
    return resolve(this.#directory, name)
  }

  /** The absolute name of a file that can be opened for reading now. */
  readable(path: ConfigPath, name: string): string {
    this.#read(path, name, 0)
    return this.absolute(name)
  }

  /** The absolute name of a file or directory that exists now. */
  existing(path: ConfigPath, name: string): string {
    const absolute = this.absolute(name)
    try {
      statSync(absolute)
    } catch (error) {
      this.#unread.set(absolute, ABSENT)
      this.report(path, `names something that cannot be found (${errorCode(error)})`)
    }
    return absolute
  }

  /** What the file holds, to become part of the configuration. */
  content(path: ConfigPath, name: string, bytesMax = CONTENT_BYTES_MAX): Buffer | null {
    return this.#whole(path, name, bytesMax, (file, state) => {
      this.#states.set(file, state)
    })
  }

  /** The same for certificates of authorities, of which there may be many. */
  authorities(path: ConfigPath, name: string): Buffer | null {
    return this.content(path, name, AUTHORITIES_BYTES_MAX)
  }

  /** What the file holds now, to check it: another reads it, and looks for changes of it. */
  checked(path: ConfigPath, name: string): Buffer | null {
    return this.#whole(path, name, CONTENT_BYTES_MAX, () => {})
  }

  #whole(
    path: ConfigPath,
    name: string,
    bytesMax: number,
    onRead: (file: string, state: string) => void,
  ): Buffer | null {
    const bytes = this.#read(path, name, bytesMax + 1, onRead)
    if (bytes === null || bytes.length <= bytesMax) return bytes
    this.report(path, `names a file of more than ${bytesMax} bytes`)
    return null
  }

  /** What the file holds, without one line end at its end. Nothing is no secret. */
  secret(path: ConfigPath, name: string): Buffer | null {
    const bytes = this.content(path, name)
    if (bytes === null) return null
    const text = bytes.toString('latin1').replace(/\r?\n$/, '')
    if (text === '') {
      this.report(path, 'names a file that is empty')
      return null
    }
    return Buffer.from(text, 'latin1')
  }

  #read(
    path: ConfigPath,
    name: string,
    sizeBytesMax: number,
    onRead: (file: string, state: string) => void = () => {},
  ): Buffer | null {
    const file = this.absolute(name)
    let state = ABSENT
    try {
      const found = statSync(file, { bigint: true })
      state = fileState(found)
      if (!found.isFile()) {
        this.#unread.set(file, state)
        this.report(path, 'names something that is not a file')
        return null
      }
      const descriptor = openSync(file, constants.O_RDONLY)
      try {
        onRead(file, fileState(fstatSync(descriptor, { bigint: true })))
        const buffer = Buffer.alloc(sizeBytesMax)
        return buffer.subarray(0, readSync(descriptor, buffer, 0, sizeBytesMax, 0))
      } finally {
        closeSync(descriptor)
      }
    } catch (error) {
      this.#unread.set(file, state)
      this.report(path, `names a file that cannot be read (${errorCode(error)})`)
      return null
    }
  }
}

/** `ENOENT` and the like. */
function errorCode(error: unknown): string {
  const hasCode = typeof error === 'object' && error !== null && 'code' in error
  return hasCode ? String(error.code) : 'unknown reason'
}
