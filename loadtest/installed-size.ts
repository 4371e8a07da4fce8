/** What an installation takes on disk, counted as the Dockerfile copies it. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { PROJECT_ROOT } from './project-root.ts'

/** What is read of an entry of package-lock.json. */
export interface LockedPackage {
  readonly dev?: boolean
  readonly os?: readonly string[]
}

export interface InstalledSize {
  /** Bytes of the built program, without its source maps. */
  readonly programBytes: number
  readonly sourceMapsBytes: number
  /** Bytes of the packages that it needs at run time, for this platform. */
  readonly packagesBytes: number
  readonly packages: number
}

/** Of the native servers in that package an image keeps the one that it uses. */
const OTHER_NATIVE_SERVER = /^uws_.*\.node$/
const NATIVE_SERVER = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`

/** Folders of the packages that `npm prune --omit=dev` leaves, where they fit this system. */
export function runtimePackages(
  locked: Readonly<Record<string, LockedPackage>>,
  system: string,
): readonly string[] {
  return Object.entries(locked)
    .filter(([folder, { dev, os }]) => folder !== '' && !dev && (os?.includes(system) ?? true))
    .map(([folder]) => folder)
}

/** Bytes of the files in a folder, or `null` where it is not there. */
function folderBytes(folder: string, counts: (name: string) => boolean): number | null {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return null
  let bytes = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    // Packages within a package have entries of their own in package-lock.json.
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules') bytes += folderBytes(path, counts) ?? 0
    } else if (entry.isFile() && counts(entry.name)) bytes += statSync(path).size
  }
  return bytes
}

/** @throws When the program is not built. */
export function installedSize(): InstalledSize {
  const lockText = readFileSync(join(PROJECT_ROOT, 'package-lock.json'), 'utf8')
  const { packages } = JSON.parse(lockText) as { packages: Record<string, LockedPackage> }
  const sizes = runtimePackages(packages, process.platform)
    .map((folder) =>
      folderBytes(
        join(PROJECT_ROOT, folder),
        (name) => !OTHER_NATIVE_SERVER.test(name) || basename(name) === NATIVE_SERVER,
      ),
    )
    .filter((bytes) => bytes !== null)
  const program = join(PROJECT_ROOT, 'dist')
  const programBytes = folderBytes(program, (name) => name.endsWith('.js'))
  if (programBytes === null) throw new Error('The program is not built (npm run build).')
  return {
    programBytes,
    sourceMapsBytes: folderBytes(program, (name) => name.endsWith('.map')) ?? 0,
    packagesBytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
    packages: sizes.length,
  }
}
