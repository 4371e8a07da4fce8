/** Finds the project's folder from wherever the compiled load tests lie. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

function findProjectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder)
    if (parent === folder) throw new Error('The load tests must lie inside the project.')
    folder = parent
  }
  return folder
}

export const PROJECT_ROOT = findProjectRoot()
