/** Copies of the compiled program whose installation is not what it should be. */
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { REPOSITORY_ROOT } from '../architecture/repository.ts'

const COMPILED = fileURLToPath(new URL('../../src', import.meta.url))
const PACKAGES = join(REPOSITORY_ROOT, 'node_modules')

/** Makes of a package what the copy finds: `original` is its folder, `copy` does not exist yet. */
export type PackageChange = (original: string, copy: string) => void

/**
 * Copies the program; its packages are linked, except those that are changed.
 *
 * @param changes By the name of a package.
 * @returns The program to run.
 */
export function copyProgram(
  directory: string,
  changes: Readonly<Record<string, PackageChange>>,
): string {
  cpSync(COMPILED, join(directory, 'src'), { recursive: true })
  cpSync(join(REPOSITORY_ROOT, 'package.json'), join(directory, 'package.json'))
  for (const name of ['scripts', 'examples']) {
    cpSync(join(REPOSITORY_ROOT, name), join(directory, name), { recursive: true })
  }
  for (const name of installedPackages()) {
    const change = changes[name] ?? symlinkSync
    const copy = join(directory, 'node_modules', name)
    mkdirSync(dirname(copy), { recursive: true })
    change(join(PACKAGES, name), copy)
  }
  return join(directory, 'src', 'main.js')
}

/** Names, with their scope if they have one. */
export function installedPackages(): readonly string[] {
  return readdirSync(PACKAGES).flatMap((name) =>
    name.startsWith('@')
      ? readdirSync(join(PACKAGES, name)).map((member) => `${name}/${member}`)
      : [name],
  )
}

export const asCopy: PackageChange = (original, copy) => {
  cpSync(original, copy, { recursive: true })
}

export const withoutBinaries: PackageChange = (original, copy) => {
  asCopy(original, copy)
  for (const file of readdirSync(copy)) {
    if (file.endsWith('.node')) rmSync(join(copy, file))
  }
}

export const notInstalled: PackageChange = () => {}
