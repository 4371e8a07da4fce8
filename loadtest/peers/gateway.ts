/** Starts the gateway itself, as its users do: `sallyport serve --config`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reservePort } from '../../test/support/reserved-port.ts'
import { startProcess } from '../child-process.ts'
import { AUDIENCE, ISSUER } from '../credentials.ts'
import {
  type Introspection,
  type Peer,
  type PeerContext,
  type RunningPeer,
  type SkippedPeer,
  skipped,
} from '../peer.ts'
import { PROJECT_ROOT } from '../project-root.ts'
import { CREDENTIAL_METHODS } from '../scenario.ts'

const READY_WITHIN_MS = 20_000
const READY_POLL_MS = 10
export const GATEWAY_PROGRAM = join(PROJECT_ROOT, 'dist', 'main.js')

/** Rates that no load here reaches: what is measured is the counting. */
const LIMITS = `rateLimits:
  load:
    perAddress: { rate: 100000/s, burst: 100000 }
    global: { rate: 100000/s, burst: 100000 }
    validation: { rate: 100000/s, burst: 100000 }
`

type Engine = 'native' | 'node'

/** A gateway, with what only it tells. */
export interface RunningGateway extends RunningPeer {
  readonly adminPort: number
  /** From the start of its process to its first answer that it is ready; exact to some 20 ms. */
  readonly readyAfterMs: number
}

function configuration(
  engine: Engine,
  context: PeerContext,
  port: number,
  adminPort: number,
): string {
  const { credentials, credential, introspection, redisPort, hasLimits } = context
  const { algorithm, jwksFile } = credentials
  const sessions =
    redisPort === null ? '' : `redis: { nodes: ['127.0.0.1:${redisPort}'] }\nsessions: {}\n`
  return `${sessions}${hasLimits ? LIMITS : ''}server:
  engine: ${engine}
  host: 127.0.0.1
  port: ${port}
  drain: { delay: 0s, timeout: 1s }
admin: { host: 127.0.0.1, port: ${adminPort} }
decision: { trustedPeers: [127.0.0.1] }
issuers:
  main:
    issuer: ${introspection?.issuer ?? ISSUER}
    audiences: [${AUDIENCE}]
    algorithms: [${algorithm}]
    jwks: { file: ${JSON.stringify(jwksFile)} }${introspectionOf(introspection)}
upstreams:
  main: { targets: ['http://127.0.0.1:${context.upstreamPort}'] }
routes:
  - name: api
    match: { path: '/api/*' }
    upstream: main
    authenticate: [${CREDENTIAL_METHODS[credential]}]
    issuers: [main]${hasLimits ? '\n    rateLimit: load' : ''}
`
}

function introspectionOf(introspection: Introspection | null): string {
  if (introspection === null) return ''
  const { endpoint, clientId, clientSecret } = introspection
  return `
    introspection: { endpoint: '${endpoint}', clientId: ${clientId}, clientSecret: ${clientSecret} }`
}

/**
 * Until then a gateway refuses good credentials: not everything that was revoked is known.
 *
 * It may refuse connections once more after it took the first: it claims its port before its
 * listener threads listen there.
 *
 * @throws When that takes more than 20 s.
 */
export async function untilReady(port: number): Promise<void> {
  const patience = AbortSignal.timeout(READY_WITHIN_MS)
  for (;;) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: patience })
      if (answer.ok) return
    } catch (error) {
      if (patience.aborted) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS))
  }
}

const WORK = 'routes, finds the verdict or verifies, or asks Redis for the session;'

export const gatewayPeer = gatewayOn('native', 'sallyport')
export const nodeGatewayPeer = gatewayOn('node', 'sallyport-node')
export const decisionPeer: Peer = {
  name: 'sallyport-decision',
  work: `${WORK} tells another proxy who is calling`,
  decides: true,
  start: (context) => startGateway(context),
}

function gatewayOn(engine: Engine, name: string): Peer {
  return {
    name,
    work: `${WORK} sets identity headers`,
    decides: false,
    start: (context) => startGateway(context, engine),
  }
}

/** Starts a gateway, and resolves once it is ready. */
export async function startGateway(
  context: PeerContext,
  engine: Engine = 'native',
): Promise<RunningGateway | SkippedPeer> {
  if (!existsSync(GATEWAY_PROGRAM)) return skipped('sallyport', 'not built (npm run build)')
  const port = await reservePort()
  const adminPort = await reservePort()
  const file = join(context.folder, `gateway-${port}.yaml`)
  writeFileSync(file, configuration(engine, context, port, adminPort))
  const startMs = performance.now()
  const words = [GATEWAY_PROGRAM, 'serve', '--config', file]
  const started = await startProcess(process.execPath, words, port, {
    SALLYPORT_LISTENER_THREADS: String(context.threads),
  })
  try {
    await untilReady(port)
  } catch (error) {
    await started.stop()
    throw error
  }
  const readyAfterMs = performance.now() - startMs
  const description = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8')) as {
    version: string
  }
  const version = `Sallyport ${description.version}, Node ${process.version}`
  return { status: 'running', port, adminPort, readyAfterMs, version, ...started }
}
