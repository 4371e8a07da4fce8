/**
 * The native applications of one server: one for plain HTTP; for HTTPS one more with each
 * certificate that takes the place of another.
 *
 *     listen socket ─► first app ──accepts──► latest app ─► connections under its certificate
 *                                             earlier apps ─► connections that they still have
 *
 * The native server cannot give an application another certificate, except for clients that name
 * the host they want. But an application that listens can hand what it accepts to another one. So
 * the listen socket is never closed for it, which would reset connections in its accept queue, and
 * no connection notices. An earlier application is closed when it has none left.
 */
import { CIPHERS } from './ciphers.ts'
import type { NativeApp, NativeResponse, NativeServerModule } from './native-binary.ts'

export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
}

const SWEEP_INTERVAL_MS = 1_000
/** What was accepted for an application reaches it within a turn or two of the event loop. */
const SWEEPS_MIN = 2

/** Turns off the `uWebSockets` response header; other builds know the setting as `silent`. */
const SILENT_SETTINGS = ['999999990007', 'silent']

interface EarlierApp {
  readonly app: NativeApp
  sweeps: number
}

export class NativeApps {
  /** Listens. */
  readonly first: NativeApp
  readonly #module: NativeServerModule
  readonly #route: (app: NativeApp) => void
  readonly #connections = new Map<NativeApp, number>()
  #latest: NativeApp
  #prepared: NativeApp | null = null
  #earlier: EarlierApp[] = []
  #sweeper: NodeJS.Timeout | null = null

  /**
   * @param tls `null` for plain HTTP.
   * @param route Gives an application everything that it answers with.
   * @throws When the files hold no certificate with its key.
   */
  constructor(module: NativeServerModule, tls: TlsFiles | null, route: (app: NativeApp) => void) {
    for (const setting of SILENT_SETTINGS) module._cfg?.(setting)
    this.#module = module
    this.#route = route
    this.first = this.#create(tls)
    this.#latest = this.first
  }

  /** Whether what is accepted in one turn of the event loop is counted in a later one. */
  get handsOver(): boolean {
    return this.#latest !== this.first
  }

  /**
   * Reads a certificate and its key, to be used with {@link useCertificate}.
   *
   * @throws When the files hold no certificate with its key.
   */
  prepareCertificate(tls: TlsFiles): void {
    this.dropCertificate()
    this.#prepared = this.#create(tls)
  }

  dropCertificate(): void {
    this.#prepared?.close()
    this.#forget(this.#prepared)
    this.#prepared = null
  }

  /** Connections that are accepted from now on get what was prepared. */
  useCertificate(): void {
    const next = this.#prepared
    if (next === null) return
    this.#prepared = null
    const last = this.#latest
    this.#latest = next
    // In this order: the native server takes turns between those that it has.
    if (last !== this.first) {
      this.first.removeChildAppDescriptor(last.getDescriptor())
      this.#earlier.push({ app: last, sweeps: 0 })
    }
    this.first.addChildAppDescriptor(next.getDescriptor())
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref()
  }

  closeAll(): void {
    if (this.#sweeper !== null) clearInterval(this.#sweeper)
    this.dropCertificate()
    for (const { app } of this.#earlier.splice(0)) app.close()
    if (this.#latest !== this.first) this.#latest.close()
    this.first.close()
  }

  #create(tls: TlsFiles | null): NativeApp {
    const app =
      tls === null
        ? this.#module.App()
        : this.#module.SSLApp({
            cert_file_name: tls.certFile,
            key_file_name: tls.keyFile,
            ssl_ciphers: CIPHERS,
          })
    this.#route(app)
    this.#connections.set(app, 0)
    const onConnections = (_response: NativeResponse, change: unknown) => {
      this.#connections.set(app, (this.#connections.get(app) ?? 0) + Number(change))
    }
    app.filter(onConnections)
    return app
  }

  #sweep(): void {
    for (const earlier of this.#earlier) {
      earlier.sweeps += 1
      if (earlier.sweeps < SWEEPS_MIN || this.#connections.get(earlier.app) !== 0) continue
      earlier.app.close()
      this.#forget(earlier.app)
    }
    this.#earlier = this.#earlier.filter(({ app }) => this.#connections.has(app))
  }

  #forget(app: NativeApp | null): void {
    if (app !== null) this.#connections.delete(app)
  }
}
