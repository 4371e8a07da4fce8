/** Folders for the files of programs under test: gone when they are done, however this ends. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const inUse = new Set<string>()
process.once('exit', () => {
  for (const path of inUse) rmSync(path, { recursive: true, force: true })
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
