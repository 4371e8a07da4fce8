/** A real file system that is soon full, where the machine lets the test mount one. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

const SIZE_KIB = 256
const PAGE_BYTES = 4_096

export class SmallDisk {
  readonly directory: string
  readonly #ballast: string

  private constructor(directory: string) {
    this.directory = directory
    this.#ballast = join(directory, 'ballast')
  }

  /** Unmounted with the test. @returns `null` where that is not allowed: the test is skipped. */
  static mount(test: TestContext): SmallDisk | null {
    const directory = mkdtempSync(join(tmpdir(), 'sallyport-disk-'))
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_KIB}k`, 'tmpfs', directory], {
        stdio: 'pipe',
      })
    } catch (error) {
      rmdirSync(directory)
      const reason = error instanceof Error ? error.message.split('\n').join(' ') : String(error)
      test.diagnostic(`NOT TESTED: the full disk. A small file system cannot be mounted: ${reason}`)
      test.skip(`mounting is not allowed here: ${reason}`)
      return null
    }
    test.after(() => {
      execFileSync('umount', ['-l', directory])
      rmdirSync(directory)
    })
    return new SmallDisk(directory)
  }

  /**
   * Leaves not one byte.
   *
   * @param log Its last page may have room yet: that gets spaces, which JSON allows before a line.
   */
  fill(log: string): void {
    fillWith(this.#ballast, Buffer.alloc(PAGE_BYTES))
    fillWith(log, Buffer.from(' '))
  }

  /** Takes away what filled it. */
  makeRoom(): void {
    rmSync(this.#ballast)
  }
}

function fillWith(file: string, piece: Buffer): void {
  try {
    for (;;) writeFileSync(file, piece, { flag: 'a' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  }
}
