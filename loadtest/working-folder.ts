/**
 * Folders for the files of programs under test: gone when they are done, or when this process ends
 * in any way but SIGKILL (run-entry.ts).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const inUse = new Set<string>()
process.once('exit', () => {
  for (const path of inUse) {
    try {
      // Programs that were killed a moment ago may still write.
      rmSync(path, { recursive: true, force: true, maxRetries: 3 })
    } catch {
      // The others can still go.
    }
  }
})

export interface WorkingFolder {
  readonly path: string
  remove(): void
}

/** @param purpose Part of its name. */
export function workingFolder(purpose: string): WorkingFolder {
  const path = mkdtempSync(join(tmpdir(), `sallyport-${purpose}-`))
  inUse.add(path)
  return {
    path,
    remove() {
      inUse.delete(path)
      rmSync(path, { recursive: true, force: true })
    },
  }
}
