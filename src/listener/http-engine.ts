/** The HTTP server of a listener thread, on the engine that the process has chosen. */
import type { HttpServer, HttpServerOptions } from '../server/http-server.ts'
import { loadNativeBinary } from '../server/native-binary.ts'
import { NodeServer } from '../server/node/node-server.ts'
import { duplicateDescriptor } from '../server/socket-calls.ts'
import { NativeServer } from '../server/uws-app.ts'
import type { ListenerPort } from '../threads/listener-start.ts'

export interface HttpEngine {
  readonly server: HttpServer
  /** @throws (rejects) When the port cannot be bound. */
  listen(): Promise<unknown>
}

export function createHttpEngine(
  { engine, host, port, descriptor: shared }: ListenerPort,
  options: HttpServerOptions,
): HttpEngine {
  if (engine.kind === 'native') {
    const server = new NativeServer(loadNativeBinary(engine.binary), options)
    return { server, listen: () => server.listen(host, port, { isExclusive: false }) }
  }
  const server = new NodeServer(options)
  return {
    server,
    async listen() {
      const descriptor = shared === null ? null : duplicateDescriptor(shared)
      return server.listen({ host, port, descriptor })
    },
  }
}
