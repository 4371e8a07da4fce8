/**
 * Notices that one of a few files has become another, however that was done: written in place,
 * renamed over, or behind a symbolic link that was swapped, as a mounted ConfigMap or Secret is.
 *
 * Looks instead of being told: events of the kernel name directories that such a swap replaces, and
 * there are none on network file systems. A look is one `stat` a file; what is written is told when
 * two looks in a row have found the same.
 */
import { stat } from 'node:fs/promises'
import { ABSENT, fileState } from '../config/file-state.ts'

export interface FileWatchParts {
  /** Between two looks. */
  readonly intervalMs: number
  /** The files are others than they were, and have not changed since the last look. */
  readonly onChange: () => void
}

type FileStates = ReadonlyMap<string, string>

const NO_FILES: FileStates = new Map()

export class FileWatch {
  readonly #parts: FileWatchParts
  /** Those of the configuration in use. */
  #own: readonly string[] = []
  /** All of them, as they were when they were read, or when a change of them was told last. */
  #told = NO_FILES
  #last = ''
  #timer: NodeJS.Timeout | null = null
  #isStopped = false

  constructor(parts: FileWatchParts) {
    this.#parts = parts
  }

  /**
   * Looks at these from now on.
   *
   * @param files By absolute name, as they were when they were read.
   */
  watch(files: FileStates): void {
    const isIdle = this.#told.size === 0
    this.#own = [...files.keys()]
    this.#told = files
    if (!isIdle) return
    // One that waits since before all files were taken away would be a second one.
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#run()
  }

  /**
   * Looks at these too, which a configuration names that was refused, and no longer at those of one
   * that was refused before. Does nothing while no files are watched.
   */
  watchToo(files: FileStates): void {
    const own = this.#own.map((file) => [file, this.#told.get(file) ?? ABSENT] as const)
    if (own.length > 0) this.#told = new Map([...own, ...files])
  }

  stop(): void {
    this.#isStopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #run(): void {
    if (this.#isStopped || this.#told.size === 0) return
    void this.#look().then(() => {
      if (!this.#isStopped) this.#timer = setTimeout(() => this.#run(), this.#parts.intervalMs)
    })
  }

  /** One file after the other: a disk that hangs holds one thread of the pool at most. */
  async #look(): Promise<void> {
    const told = this.#told
    const states = new Map<string, string>()
    for (const file of told.keys()) states.set(file, await stateOf(file))
    if (this.#isStopped || told !== this.#told) return
    const found = textOf(states)
    const isSettled = found === this.#last
    this.#last = found
    if (found === textOf(told) || !isSettled) return
    this.#told = states
    this.#parts.onChange()
  }
}

function textOf(states: FileStates): string {
  return [...states.values()].join('\n')
}

/** Never rejects. */
async function stateOf(file: string): Promise<string> {
  try {
    return fileState(await stat(file, { bigint: true }))
  } catch {
    return ABSENT
  }
}
