/** The gateway of a soak: one that knows all kinds of credentials, and loads itself anew. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { IdentityProvider } from '../../src/demo/identity-provider.ts'
import { reservePort } from '../../test/support/reserved-port.ts'
import { type StartedProcess, startProcess } from '../child-process.ts'
import { AUDIENCE } from '../credentials.ts'
import { untilReady } from '../peers/gateway.ts'
import { CREDENTIAL_METHODS, type CredentialKind } from '../scenario.ts'

const RELOAD_MS_MAX = 20_000
const RELOAD_POLL_MS = 50
const REVISION = /^sallyport_configuration_revision (\d+)$/m
/** Of which every other configuration has the second. Connections are made anew for either. */
const UPSTREAM_IDLE_TIMEOUTS = ['4s', '3s'] as const

export interface SoakGatewayOptions {
  /** `main.js` of the gateway. */
  readonly program: string
  readonly provider: IdentityProvider
  /** Where the provider is reached, and perhaps is not. */
  readonly providerPort: number
  readonly redisPort: number
  readonly upstreamPort: number
  readonly folder: string
}

export interface SoakGateway extends StartedProcess {
  readonly port: number
  /** Settles when another configuration is in use. @throws When that takes more than 20 s. */
  reload(): Promise<void>
}

/** @throws When it was not built, or does not start. */
export async function startSoakGateway(options: SoakGatewayOptions): Promise<SoakGateway> {
  if (!existsSync(options.program)) throw new Error('The gateway is not built (npm run build).')
  const port = await reservePort()
  const adminPort = await reservePort()
  const file = join(options.folder, 'gateway.yaml')
  let revision = 1
  const write = () => {
    const idleTimeout = UPSTREAM_IDLE_TIMEOUTS[(revision - 1) % 2] ?? ''
    writeFileSync(file, configuration(options, port, adminPort, idleTimeout))
  }
  write()
  const words = [options.program, 'serve', '--config', file]
  const started = await startProcess(process.execPath, words, port, {
    SALLYPORT_LISTENER_THREADS: '1',
  })
  try {
    await untilReady(port)
  } catch (error) {
    await started.stop()
    throw error
  }
  return {
    ...started,
    port,
    async reload() {
      revision += 1
      write()
      process.kill(started.processId, 'SIGHUP')
      const deadlineMs = performance.now() + RELOAD_MS_MAX
      while ((await revisionInUse(adminPort)) !== revision) {
        if (performance.now() > deadlineMs) throw new Error('The gateway did not reload.')
        await delay(RELOAD_POLL_MS)
      }
    },
  }
}

async function revisionInUse(adminPort: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/metrics`)
  return Number(REVISION.exec(await answer.text())?.[1])
}

/**
 * The token cache is small, so that it is full some minutes before a soak of half an hour ends:
 * what grows after that is something else. What waits for the provider or for Redis may do so for
 * longer than usual: both are reached through this process, which has other work, and a machine
 * that is busy is no outage.
 */
function configuration(
  { provider, providerPort, redisPort, upstreamPort }: SoakGatewayOptions,
  port: number,
  adminPort: number,
  idleTimeout: string,
): string {
  const { issuer, clientId, clientSecret } = provider
  const reached = (url: string) => `http://127.0.0.1:${providerPort}${new URL(url).pathname}`
  const routes = (Object.keys(CREDENTIAL_METHODS) as CredentialKind[]).map((kind) => ({
    name: kind,
    match: { path: `/${kind}/*` },
    upstream: 'main',
    authenticate: [CREDENTIAL_METHODS[kind]],
    ...(kind === 'session' ? {} : { issuers: ['main'] }),
  }))
  return JSON.stringify({
    server: { engine: 'native', host: '127.0.0.1', port },
    admin: { host: '127.0.0.1', port: adminPort },
    cache: { sizeMiB: 8 },
    redis: { nodes: [`127.0.0.1:${redisPort}`], commandTimeout: '2s' },
    sessions: { absoluteTtl: '8760h' },
    issuers: {
      main: {
        issuer,
        audiences: [AUDIENCE],
        algorithms: ['ES256'],
        jwks: { uri: reached(provider.jwksUri), refreshInterval: '10s' },
        introspection: {
          endpoint: reached(provider.introspectionEndpoint),
          clientId,
          clientSecret,
          timeout: '4s',
        },
      },
    },
    upstreams: { main: { targets: [`http://127.0.0.1:${upstreamPort}`], idleTimeout } },
    routes,
    logging: { level: 'warn', accessLog: { enabled: false } },
  })
}
