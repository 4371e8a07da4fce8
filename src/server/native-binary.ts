/**
 * Chooses, checks and loads the native HTTP server: the only file that knows where its binary lies.
 *
 * Choosing and hashing happen once, in the supervisor ({@link chooseNativeBinary}); listener
 * threads are handed the result and only load ({@link loadNativeBinary}).
 */
import type * as uWebSockets from 'uWebSockets.js'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseJsonDocument } from '../protocol/strict-json.ts'

/** Names for the vendor's types, so that this file stays the only one that imports the package. */
export type NativeRequest = uWebSockets.HttpRequest
export type NativeResponse = uWebSockets.HttpResponse
export type NativeListenSocket = uWebSockets.us_listen_socket

/** The vendor's application, with what its type definitions leave out. */
export type NativeApp = Omit<uWebSockets.TemplatedApp, 'listen'> & {
  listen(
    host: string,
    port: number,
    options: number,
    callback: (socket: NativeListenSocket | false) => void,
  ): unknown
  /** Names it to another application, as long as it is not closed. */
  getDescriptor(): number
  /** From now on what this one accepts goes to that one; to all of several in turn. */
  addChildAppDescriptor(descriptor: number): unknown
  removeChildAppDescriptor(descriptor: number): unknown
}

/** What is used of the vendor's module. */
export interface NativeServerModule {
  App(): NativeApp
  SSLApp(options: uWebSockets.AppOptions): NativeApp
  us_listen_socket_close(socket: NativeListenSocket): void
  us_socket_local_port(socket: NativeListenSocket): number
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number
  /** Undocumented switch of process-wide settings. */
  readonly _cfg?: (setting: string) => void
}

/** What runs. Plain data, so that it can be handed to a thread. */
export interface NativeBinary {
  /** Absolute path. */
  readonly file: string
  /**
   * - `original`: as released.
   * - `prepared`: the copy that scripts/prepare-native-server.mjs made for an older glibc.
   * - `unknown`: neither; runs because the operator said so. Nothing is promised about it.
   */
  readonly kind: 'original' | 'prepared' | 'unknown'
  readonly sha256: string
  /** Release and commit of the known binaries; `null` when the binary is unknown. */
  readonly version: string | null
  readonly sourceCommit: string | null
}

export interface NativeBinaryOptions {
  /** Run a binary that is not among the known ones. Off: such a binary is refused. */
  readonly allowUnknown: boolean
  /**
   * Most bytes of request line and headers together that the parser buffers; it answers 431 beyond.
   * Process-wide, and fixed when the binary is first loaded.
   */
  readonly headBytesMax: number
  /** For tests; otherwise the system's own values are used. */
  readonly system?: NativeSystem
}

/** What the choice depends on. */
export interface NativeSystem {
  readonly platform: string
  readonly architecture: string
  /** `process.versions.modules`. */
  readonly abi: string
  /** Version of the running glibc, e.g. `2.36`; `null` where there is none. */
  readonly glibc: string | null
  /** Folder of the vendor's package. */
  readonly directory: string
}

/** Why the native server cannot run here: one message for the operator, without a stack. */
export class NativeBinaryError extends Error {
  override readonly name = 'NativeBinaryError'
}

interface KnownBinary {
  readonly sha256: string
  readonly preparedFile?: string
  readonly preparedSha256?: string
}

interface KnownBinaries {
  readonly version: string
  readonly sourceCommit: string
  /** From this glibc on, the originals load. */
  readonly untouchedFromGlibc: string
  /** Before this glibc, not even the prepared copies load. */
  readonly oldestGlibc: string
  readonly binaries: Readonly<Record<string, KnownBinary>>
}

const KNOWN_BINARIES_FILE = join('scripts', 'native-server-binaries.json')
/** Beside it, wherever the package is installed. */
const PREPARE_SCRIPT = 'prepare-native-server.mjs'

/**
 * Decides which binary this process runs and checks its SHA-256 against the known ones.
 *
 * Call it in the main thread before any thread loads the binary: the limit for heads reaches the
 * native code through the environment of the process, which threads cannot change.
 *
 * @throws NativeBinaryError When there is none for this system, it is missing, or it is unknown.
 */
export function chooseNativeBinary(options: NativeBinaryOptions): NativeBinary {
  const system = options.system ?? thisSystem()
  const knownFile = findKnownBinaries()
  const known = parseJsonDocument(readFileSync(knownFile)) as KnownBinaries
  const name = `uws_${system.platform}_${system.architecture}_${system.abi}.node`
  const binary = known.binaries[name]
  const isPrepared = needsPreparing(system, known)
  const fileName = isPrepared ? binary?.preparedFile : name
  if (fileName === undefined) throw new NativeBinaryError(noneFor(system))

  const file = join(system.directory, fileName)
  if (!existsSync(file)) {
    if (!isPrepared) throw new NativeBinaryError(noneFor(system))
    throw new NativeBinaryError(
      `the native server is not prepared for glibc ${system.glibc}: ${file} is missing. ` +
        'Installing without install scripts leaves that out; run: ' +
        `node ${join(dirname(knownFile), PREPARE_SCRIPT)}`,
    )
  }
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex')
  const expected = isPrepared ? binary?.preparedSha256 : binary?.sha256
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] = String(options.headBytesMax)
  if (sha256 === expected) {
    const { version, sourceCommit } = known
    return { file, kind: isPrepared ? 'prepared' : 'original', sha256, version, sourceCommit }
  }
  if (options.allowUnknown) {
    return { file, kind: 'unknown', sha256, version: null, sourceCommit: null }
  }
  throw new NativeBinaryError(
    `${file} is not a known build of the native server (SHA-256 ${sha256}). ` +
      'Reinstall the dependencies, or set SALLYPORT_ALLOW_UNKNOWN_NATIVE_SERVER=1 to run it anyway.',
  )
}

/**
 * Loads a chosen binary. Any thread may; the second and later loads in a process are cheap.
 *
 * @throws NativeBinaryError When the dynamic linker refuses it.
 */
export function loadNativeBinary(binary: NativeBinary): NativeServerModule {
  try {
    return createRequire(import.meta.url)(binary.file) as NativeServerModule
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new NativeBinaryError(`${binary.file} does not load: ${reason}`)
  }
}

function noneFor(system: NativeSystem): string {
  const { platform, architecture, abi } = system
  return (
    `there is no native server for ${platform} ${architecture} with Node ABI ${abi}; ` +
    'use Node.js 20, 22 or 24 on Linux with glibc or on macOS'
  )
}

/** @throws NativeBinaryError Where no binary can run at all. */
function needsPreparing(system: NativeSystem, known: KnownBinaries): boolean {
  if (system.platform !== 'linux') return false
  if (system.glibc === null) {
    throw new NativeBinaryError('the native server needs glibc; this system has none (musl?)')
  }
  if (isOlder(system.glibc, known.oldestGlibc)) {
    throw new NativeBinaryError(
      `glibc ${system.glibc} is too old: the native server needs ${known.oldestGlibc} or later`,
    )
  }
  return isOlder(system.glibc, known.untouchedFromGlibc)
}

function isOlder(version: string, other: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [otherMajor = 0, otherMinor = 0] = other.split('.').map(Number)
  return major < otherMajor || (major === otherMajor && minor < otherMinor)
}

function thisSystem(): NativeSystem {
  return {
    platform: process.platform,
    architecture: process.arch,
    abi: process.versions.modules,
    glibc: process.platform === 'linux' ? runningGlibc() : null,
    directory: dirname(createRequire(import.meta.url).resolve('uWebSockets.js')),
  }
}

function runningGlibc(): string | null {
  // Without this the report looks up host names, which can take seconds.
  Object.assign(process.report, { excludeNetwork: true })
  const report = process.report.getReport() as {
    readonly header: { readonly glibcVersionRuntime?: string }
  }
  return report.header.glibcVersionRuntime ?? null
}

/** Looks upwards, because the compiled file lies deeper in a test build than in the package. */
function findKnownBinaries(): string {
  let directory = dirname(fileURLToPath(import.meta.url))
  for (;;) {
    const file = join(directory, KNOWN_BINARIES_FILE)
    if (existsSync(file)) return file
    const parent = dirname(directory)
    if (parent === directory) {
      throw new NativeBinaryError(`${KNOWN_BINARIES_FILE} is missing from this installation`)
    }
    directory = parent
  }
}
