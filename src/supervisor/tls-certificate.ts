/**
 * The certificate of the listener: replaced in every thread when its files have changed and belong
 * together. Until they do, as when one is written before the other, the one in use stays.
 */
import { readFileSync } from 'node:fs'
import { certificateIn } from '../config/pem.ts'
import { tlsFileProblems } from '../config/tls-files.ts'
import type { Logger } from '../observability/logger.ts'
import type { TlsFiles } from '../server/native-apps.ts'
import { digestOf } from '../threads/certificate-digest.ts'
import { FileWatch } from './file-watch.ts'
import type { RunningListeners } from './running-listeners.ts'

const WATCH_INTERVAL_MS = 500
const MS_PER_SECOND = 1_000
/** Of a file that is not what it was, whatever it was. */
const STATE_UNKNOWN = ''

export interface TlsCertificateParts {
  readonly listeners: RunningListeners
  readonly logger: Logger
}

interface Pair {
  readonly digest: string
  readonly expiresAtMs: number
}

export class TlsCertificate {
  readonly #parts: TlsCertificateParts
  readonly #watch: FileWatch
  #files: TlsFiles | null
  /** What is in use. */
  #pair: Pair | null
  #isReplacing = false
  #isAskedAgain = false

  /** @param files Those that the threads start with; `null`: the listener speaks plain HTTP. */
  constructor(files: TlsFiles | null, parts: TlsCertificateParts) {
    this.#parts = parts
    this.#files = files
    const pair = files === null ? null : readPair(files)
    // The configuration has found them good a moment ago.
    this.#pair = pair !== null && 'digest' in pair ? pair : null
    this.#watch = new FileWatch({
      intervalMs: WATCH_INTERVAL_MS,
      onChange: () => void this.#replace(),
    })
  }

  get expiresAtSeconds(): number | null {
    return this.#pair === null ? null : Math.floor(this.#pair.expiresAtMs / MS_PER_SECOND)
  }

  /** All threads serve: changes from now on are taken over. */
  start(): void {
    this.use(this.#files)
  }

  /** Another configuration is committed, which may name other files. */
  use(files: TlsFiles | null): void {
    this.#files = files
    const names = files === null ? [] : [files.certFile, files.keyFile]
    // What they hold may be another pair than the one in use already.
    this.#watch.watch(new Map(names.map((name) => [name, STATE_UNKNOWN])))
  }

  stop(): void {
    this.#watch.stop()
  }

  /** One at a time; what changes meanwhile is looked at afterwards. */
  async #replace(): Promise<void> {
    this.#isAskedAgain = true
    if (this.#isReplacing) return
    this.#isReplacing = true
    while (this.#isAskedAgain) {
      this.#isAskedAgain = false
      const problems = await this.#tryFiles()
      if (problems.length > 0)
        this.#parts.logger.log({ event: 'tls_certificate_refused', problems })
    }
    this.#isReplacing = false
  }

  /** @returns Why it was not replaced; nothing when it was, or is the same. */
  async #tryFiles(): Promise<readonly string[]> {
    const { listeners, logger } = this.#parts
    const files = this.#files
    if (files === null) return []
    const pair = readPair(files)
    if (!('digest' in pair)) return pair
    if (pair.digest === this.#pair?.digest) return []
    const problem = await listeners.prepareCertificate({ ...files, digest: pair.digest })
    listeners.notify(problem === null ? 'use_certificate' : 'drop_certificate', null)
    if (problem !== null) return [`server.tls: ${problem}`]
    this.#pair = pair
    const expiresAt = new Date(pair.expiresAtMs).toISOString()
    logger.log({ event: 'tls_certificate_replaced', expiresAt })
    return []
  }
}

/** @returns Problems when they are no certificate with its key. */
function readPair({ certFile, keyFile }: TlsFiles): Pair | readonly string[] {
  try {
    const [certificate, key] = [readFileSync(certFile), readFileSync(keyFile)]
    const problems = tlsFileProblems(certificate, key)
    if (problems.length > 0) {
      return problems.map(({ setting, message }) => `server.tls.${setting} ${message}`)
    }
    const expiresAtMs = Date.parse(certificateIn(certificate)?.validTo ?? '')
    return { digest: digestOf(certificate, key), expiresAtMs }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
    return [`server.tls names a file that cannot be read (${code})`]
  }
}
