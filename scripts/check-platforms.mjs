/**
 * Says what an installation would lack on each platform, by the lock file alone:
 * `node scripts/check-platforms.mjs [package-lock.json]`. Exits 1 when something is missing.
 *
 * Binaries come as optional packages, one for each platform. npm installs of them what the lock
 * file lists and the platform can use, and says nothing about one that is not listed.
 */
import { readFileSync } from 'node:fs'

/**
 * @typedef {{ version?: string, os?: string[], cpu?: string[], libc?: string[],
 *   optionalDependencies?: Record<string, string> }} LockedPackage
 * @typedef {{ os: string, cpu: string, libc?: string, nativeServer: boolean,
 *   packages: string[] }} Platform
 */

const FOLDER = 'node_modules/'

/** @param {string | URL} file */
function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'))
}

const lockFile = process.argv[2] ?? new URL('../package-lock.json', import.meta.url)
/** @type {Record<string, LockedPackage>} */
const locked = readJson(lockFile).packages
/** @type {{ nodeAbis: string[], platforms: Record<string, Platform> }} */
const { nodeAbis, platforms } = readJson(new URL('platforms.json', import.meta.url))
/** @type {Record<string, object>} */
const nativeServers = readJson(new URL('native-server-binaries.json', import.meta.url)).binaries

/**
 * @param {LockedPackage} entry
 * @param {Platform} platform
 */
function fits(entry, { os, cpu, libc }) {
  return (
    (entry.os?.includes(os) ?? true) &&
    (entry.cpu?.includes(cpu) ?? true) &&
    (libc === undefined || (entry.libc?.includes(libc) ?? true))
  )
}

/** @param {Platform} platform */
function missingOn(platform) {
  const { os, cpu, nativeServer, packages } = platform
  const missing = packages.filter((name) => {
    const entry = locked[`${FOLDER}${name}`]
    return entry === undefined || !fits(entry, platform)
  })
  const binaries = nodeAbis.map((abi) => `uws_${os}_${cpu}_${abi}.node`)
  const absent = nativeServer ? binaries.filter((name) => !(name in nativeServers)) : []
  return [...missing, ...absent]
}

/** Optional packages that a locked one names and that are not locked themselves. */
function unlocked() {
  const named = Object.values(locked).flatMap((entry) =>
    Object.entries(entry.optionalDependencies ?? {}),
  )
  return named
    .filter(([name]) => !(`${FOLDER}${name}` in locked))
    .map(([name, version]) => `${name}@${version}`)
}

/** @param {string} line */
function say(line) {
  process.stdout.write(`${line}\n`)
}

let isComplete = true
for (const [name, platform] of Object.entries(platforms)) {
  const missing = missingOn(platform)
  if (missing.length > 0) isComplete = false
  const server = platform.nativeServer ? '' : ' (no native server: the gateway does not start)'
  say(`${name}${server}: ${missing.length === 0 ? 'complete' : `missing ${missing.join(', ')}`}`)
}
for (const name of unlocked()) {
  isComplete = false
  say(`not in the lock file: ${name}`)
}
process.exitCode = isComplete ? 0 : 1
