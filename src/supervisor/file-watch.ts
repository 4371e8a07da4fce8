/**
 * Notices that one of a few files has become another, however that was done: written in place,
 * renamed over, or behind a symbolic link that was swapped, as a mounted ConfigMap or Secret is.
 *
 * Looks instead of being told: events of the kernel name directories that such a swap replaces, and
 * there are none on network file systems. A look is one `stat` a file; what is written is told when
 * two looks in a row have found the same.
 */
import { stat } from 'node:fs/promises'
import { fileState } from '../config/file-state.ts'

export interface FileWatchParts {
  /** Between two looks. */
  readonly intervalMs: number
  /** The files are others than they were, and have not changed since the last look. */
  readonly onChange: () => void
}

const ABSENT = 'absent'

export class FileWatch {
  readonly #parts: FileWatchParts
  #files: readonly string[] = []
  /** As they were when they were read, or when a change of them was told last. */
  #told = ''
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
  watch(files: ReadonlyMap<string, string>): void {
    const isIdle = this.#files.length === 0
    this.#files = [...files.keys()]
    this.#told = [...files.values()].join('\n')
    if (!isIdle) return
    // One that waits since before all files were taken away would be a second one.
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#run()
  }

  stop(): void {
    this.#isStopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #run(): void {
    if (this.#isStopped || this.#files.length === 0) return
    void this.#look().then(() => {
      if (!this.#isStopped) this.#timer = setTimeout(() => this.#run(), this.#parts.intervalMs)
    })
  }

  /** One file after the other: a disk that hangs holds one thread of the pool at most. */
  async #look(): Promise<void> {
    const files = this.#files
    const states: string[] = []
    for (const file of files) states.push(await stateOf(file))
    if (this.#isStopped || files !== this.#files) return
    const found = states.join('\n')
    const isSettled = found === this.#last
    this.#last = found
    if (found === this.#told || !isSettled) return
    this.#told = found
    this.#parts.onChange()
  }
}

/** Never rejects. */
async function stateOf(file: string): Promise<string> {
  try {
    return fileState(await stat(file, { bigint: true }))
  } catch {
    return ABSENT
  }
}
