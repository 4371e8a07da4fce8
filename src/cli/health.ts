/**
 * `sallyport health`: whether the gateway of a configuration is alive, for the health check of a
 * container. Alive, not ready: an instance that waits for its issuer's keys must not be killed for
 * it.
 *
 * It asks as a client does, at the address of the configuration, so it must be run where the
 * gateway runs and with the same environment. It reads the file as it is now: a gateway that was
 * started with another address or with TLS is not found.
 */
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { GatewayConfiguration } from '../config/sections.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { loadOrReport } from './load-or-report.ts'
import type { Terminal } from './terminal.ts'

/** Below the 3 s that the health check of the image has, and whatever a start of Node takes. */
const TIMEOUT_MS = 2_000
const STATUS_OK = 200

/** Where a server is reached that listens on all addresses of the machine. */
const LOOPBACK_OF: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
])

/** @returns Never `EXIT.refused`: a health check may not end with 2, which Docker has reserved. */
export async function health(configFile: string, terminal: Terminal): Promise<ExitCode> {
  const configuration = loadOrReport(configFile, terminal)?.configuration ?? null
  if (configuration === null) return EXIT.failed
  const problem = await problemWith(configuration.server)
  if (problem === null) return EXIT.ok
  const { host, port } = configuration.server
  terminal.printError(`sallyport: not alive at ${host}, port ${port}: ${problem}`)
  return EXIT.failed
}

/** @returns Why the server cannot be called alive; `null` when it is. */
function problemWith({ host, port, tls }: GatewayConfiguration['server']): Promise<string | null> {
  if (port === 0) return Promise.resolve('port 0 means any free port, and which one is not known')
  return new Promise((resolve) => {
    const target = { host: LOOPBACK_OF.get(host) ?? host, port, path: '/health/live', agent: false }
    // The certificate names the host that clients know, and this is the same machine.
    const outgoing = tls
      ? requestHttps({ ...target, rejectUnauthorized: false })
      : requestHttp(target)
    const timer = setTimeout(() => {
      outgoing.destroy()
      resolve(`no answer within ${TIMEOUT_MS} ms`)
    }, TIMEOUT_MS)
    const settle = (problem: string | null): void => {
      clearTimeout(timer)
      outgoing.destroy()
      resolve(problem)
    }
    outgoing.on('response', ({ statusCode = 0 }) => {
      settle(statusCode === STATUS_OK ? null : `it answers with ${statusCode}`)
    })
    outgoing.on('error', (error) => settle('code' in error ? String(error.code) : error.message))
    outgoing.end()
  })
}
