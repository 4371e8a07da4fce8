/** The HTTP servers of a listener thread, which begin and end together. */
import { handleOwnPort } from '../gateway/decision-endpoint/handle-call.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { handleRequest } from '../gateway/handle-request.ts'
import { refuseMalformed } from '../gateway/refuse-malformed.ts'
import { AddressRanges } from '../http/address-ranges.ts'
import { describeError } from '../observability/redact.ts'
import type { HttpServerOptions, ServerCertificates } from '../server/http-server.ts'
import { LINGERING_BOUNDS } from '../server/lingering.ts'
import type { ListenerStart } from '../threads/listener-start.ts'
import { createHttpEngine, type HttpEngine } from './http-engine.ts'

/** A PROXY header says whose a connection is, and never who asks. */
const NONE = new AddressRanges([])

export class ThreadServers {
  readonly #main: HttpEngine
  readonly #all: readonly HttpEngine[]

  constructor({ main, decision, configuration }: ListenerStart, gateway: Gateway) {
    const { limits, timeouts, tls, keepHeaders } = configuration.server
    const keptFields: ReadonlySet<string> = new Set(keepHeaders)
    const options: Omit<HttpServerOptions, 'rules' | 'tls' | 'onRequest'> = {
      limits,
      timeouts,
      lingering: LINGERING_BOUNDS,
      takesMethod: (method) => gateway.revision.routes.methods.has(method),
      trustedPeers: () => gateway.revision.trustedPeers,
      renderRefusal: (reason, origin) => refuseMalformed(gateway, reason, origin),
      onError: (error) =>
        gateway.logger.log({
          event: 'unexpected_failure',
          where: 'request',
          ...describeError(error),
        }),
    }
    const rules = { keptFields, keptForms: () => gateway.revision.routes.keptForms }
    const asksAt = (path: string) => gateway.revision.endpoints.at(path)[0]?.kind === 'decision'
    this.#main = createHttpEngine(main, {
      ...options,
      tls,
      rules: { ...rules, ignoresHandshake: asksAt },
      onRequest: (exchange) => handleRequest(gateway, exchange),
    })
    const own =
      decision &&
      createHttpEngine(decision, {
        ...options,
        tls: null,
        trustedPeers: () => NONE,
        rules: { ...rules, ignoresHandshake: () => true },
        onRequest: (exchange) => handleOwnPort(gateway, exchange),
      })
    this.#all = own === null ? [this.#main] : [this.#main, own]
  }

  /** Of the main port: the other has none. */
  get certificates(): ServerCertificates {
    return this.#main.server.certificates
  }

  get connectionCount(): number {
    return this.#all.reduce((sum, { server }) => sum + server.connectionCount, 0)
  }

  get droppedFieldCount(): number {
    return this.#all.reduce((sum, { server }) => sum + server.droppedFieldCount, 0)
  }

  /** @throws (rejects) When a port cannot be bound. */
  async listen(): Promise<void> {
    for (const engine of this.#all) await engine.listen()
  }

  async stopAccepting(): Promise<void> {
    await Promise.all(this.#all.map(({ server }) => server.stopAccepting()))
  }

  setDraining(): void {
    for (const { server } of this.#all) server.setDraining()
  }

  closeAll(): void {
    for (const { server } of this.#all) server.closeAll()
  }
}
