/**
 * Makes the native HTTP server loadable on systems with a glibc older than it was linked against:
 * runs after `npm install`, and by hand with `node scripts/prepare-native-server.mjs`.
 *
 * On such a system it writes a copy of this platform's binary next to the original, with three
 * symbols re-pointed (see classic-glibc-symbols.mjs). Input and output must both have the SHA-256
 * that native-server-binaries.json names for them; the program that loads the copy checks again.
 * Everywhere else it does nothing. It never fails an installation: what it cannot do it says in
 * one line, and the gateway says it again when it starts.
 */
import { createHash } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { withClassicGlibcSymbols } from './classic-glibc-symbols.mjs'

/**
 * @typedef {{ sha256: string, preparedFile?: string, preparedSha256?: string }} KnownBinary
 * @typedef {{
 *   version: string, sourceCommit: string, untouchedFromGlibc: string, oldestGlibc: string,
 *   binaries: Record<string, KnownBinary>
 * }} KnownBinaries
 */

/** @returns {KnownBinaries} */
function readKnownBinaries() {
  const file = fileURLToPath(new URL('native-server-binaries.json', import.meta.url))
  return JSON.parse(readFileSync(file, 'utf8'))
}

/** @returns {string | null} Version of the glibc that runs, or `null` where there is none. */
function runningGlibc() {
  if (process.platform !== 'linux') return null
  // Without this the report looks up host names, which can take seconds.
  Object.assign(process.report, { excludeNetwork: true })
  const report = process.report.getReport()
  const { header } = typeof report === 'string' ? JSON.parse(report) : report
  return header.glibcVersionRuntime ?? null
}

/**
 * @param {string} version
 * @param {string} other
 */
function isOlder(version, other) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [otherMajor = 0, otherMinor = 0] = other.split('.').map(Number)
  return major < otherMajor || (major === otherMajor && minor < otherMinor)
}

/** @param {Buffer} bytes */
function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}

/**
 * @param {string} file
 * @returns {Uint8Array | null}
 */
function readIfPresent(file) {
  try {
    return readFileSync(file)
  } catch {
    return null
  }
}

/**
 * Replaces the file whole or not at all, so that a second installation at the same time, or a
 * gateway that starts meanwhile, never meets half a library.
 *
 * @param {string} file
 * @param {Uint8Array} bytes
 */
function writeAtomically(file, bytes) {
  const temporary = `${file}.${process.pid}.tmp`
  try {
    writeFileSync(temporary, bytes, { mode: 0o755 })
    renameSync(temporary, file)
  } finally {
    rmSync(temporary, { force: true })
  }
}

/**
 * @param {{ directory: string, glibc: string | null, name: string, architecture: string }} target
 * @returns {string | null} One line for the operator, or `null` when there is nothing to say.
 */
function prepare({ directory, glibc, name, architecture }) {
  const known = readKnownBinaries()
  if (glibc === null || !isOlder(glibc, known.untouchedFromGlibc)) return null
  if (isOlder(glibc, known.oldestGlibc)) {
    return `glibc ${glibc} is too old: the native server needs ${known.oldestGlibc} or later`
  }

  const binary = known.binaries[name]
  if (binary?.preparedFile === undefined) {
    return `there is no native server for this Node.js (${name}); use Node.js 20, 22, 24 or 25`
  }
  const prepared = join(directory, binary.preparedFile)
  const present = readIfPresent(prepared)
  if (present !== null && sha256(present) === binary.preparedSha256) return null

  const original = readIfPresent(join(directory, name))
  if (original === null) return `${join(directory, name)} is missing`
  if (sha256(original) !== binary.sha256) {
    return `${name} is not the known build of ${known.version}; left as it is`
  }
  const bytes = withClassicGlibcSymbols(original, architecture)
  if (sha256(bytes) !== binary.preparedSha256) {
    return `the prepared copy of ${name} did not come out as expected; nothing was written`
  }
  writeAtomically(prepared, bytes)
  return `prepared ${binary.preparedFile} for glibc ${glibc}`
}

/** The options exist for tests and for preparing an image on another machine. */
function main() {
  const { values } = parseArgs({
    options: {
      directory: { type: 'string' },
      glibc: { type: 'string' },
      arch: { type: 'string' },
      abi: { type: 'string' },
    },
  })
  const architecture = values.arch ?? process.arch
  const abi = values.abi ?? process.versions.modules
  const line = prepare({
    directory:
      values.directory ?? dirname(createRequire(import.meta.url).resolve('uWebSockets.js')),
    glibc: values.glibc ?? runningGlibc(),
    name: `uws_linux_${architecture}_${abi}.node`,
    architecture,
  })
  if (line !== null) process.stdout.write(`sallyport: native server: ${line}\n`)
}

try {
  main()
} catch (error) {
  const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
  process.stdout.write(`sallyport: native server could not be prepared: ${reason}\n`)
}
