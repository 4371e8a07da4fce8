/**
 * Chooses the port that all listener threads will share.
 *
 * The native server binds with SO_REUSEPORT, so that a second gateway on the same port would start
 * without a word and take half of the requests. Binding once without that option notices. Threads
 * on node:http share the socket that is bound here.
 */
import { createServer } from 'node:net'
import { keepListenSocket } from '../server/node/shared-listen-socket.ts'
import type { ServerEngine } from '../server/server-engine.ts'
import type { ListenPlace } from '../server/socket-calls.ts'
import { StartError } from '../threads/start-error.ts'

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken by another process',
  EACCES: 'this user may not bind to it',
  EADDRNOTAVAIL: 'this machine does not have that address',
  ENOTFOUND: 'the host name does not resolve',
}

/**
 * @param setting Which part of the configuration names the port.
 * @param port 0: the system chooses. Until threads of the native engine have bound what it chose
 *   nothing holds it: meant for trying things out, and not for several gateways that start at the
 *   same time.
 * @returns The port, free a moment ago, or held by the descriptor.
 * @throws (rejects) StartError when it cannot be bound.
 */
export function claimPort(
  setting: 'server' | 'decision',
  engine: ServerEngine,
  host: string,
  port: number,
): Promise<ListenPlace> {
  const probe = createServer()
  return new Promise((resolve, reject) => {
    probe.once('error', (error) => reject(listenError(setting, host, port, error)))
    probe.listen({ host, port, exclusive: true }, () => {
      const address = probe.address()
      const claimed = typeof address === 'object' && address !== null ? address.port : port
      const isKept = engine.kind === 'node' && engine.isShared
      const descriptor = isKept ? keepListenSocket(probe) : null
      probe.close(() => resolve({ port: claimed, descriptor }))
    })
  })
}

/** Words a failure to bind. @param setting Which part of the configuration names the address. */
export function listenError(
  setting: 'server' | 'admin' | 'health' | 'decision',
  host: string,
  port: number,
  error: unknown,
): StartError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  return new StartError(`${setting}: cannot listen on ${host}:${port}: ${REASONS[code] ?? code}`)
}
