/** Starts the gateway itself, as its users do: `sallyport serve --config`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reservePort } from '../../test/support/reserved-port.ts'
import { startProcess } from '../child-process.ts'
import { AUDIENCE, ISSUER } from '../credentials.ts'
import { type Introspection, type Peer, type PeerContext, skipped } from '../peer.ts'
import { PROJECT_ROOT } from '../project-root.ts'
import { CREDENTIAL_METHODS } from '../scenario.ts'

const READY_WITHIN_MS = 20_000
export const GATEWAY_PROGRAM = join(PROJECT_ROOT, 'dist', 'main.js')

/** Rates that no load here reaches: what is measured is the counting. */
const LIMITS = `rateLimits:
  load:
    perAddress: { rate: 100000/s, burst: 100000 }
    global: { rate: 100000/s, burst: 100000 }
    validation: { rate: 100000/s, burst: 100000 }
`

type Engine = 'native' | 'node'

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
  return `${sessions}${hasLimits ? LIMITS : ''}server: { engine: ${engine}, host: 127.0.0.1, port: ${port} }
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
 * @throws When that takes more than 20 s.
 */
export async function untilReady(port: number): Promise<void> {
  const patience = AbortSignal.timeout(READY_WITHIN_MS)
  while (!(await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: patience })).ok) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const WORK = 'routes, finds the verdict or verifies, or asks Redis for the session;'

export const gatewayPeer = gatewayOn('native', 'sallyport')
export const nodeGatewayPeer = gatewayOn('node', 'sallyport-node')
export const decisionPeer: Peer = {
  name: 'sallyport-decision',
  work: `${WORK} tells another proxy who is calling`,
  decides: true,
  start: (context) => startGateway('native', context),
}

function gatewayOn(engine: Engine, name: string): Peer {
  return {
    name,
    work: `${WORK} sets identity headers`,
    decides: false,
    start: (context) => startGateway(engine, context),
  }
}

async function startGateway(engine: Engine, context: PeerContext): ReturnType<Peer['start']> {
  if (!existsSync(GATEWAY_PROGRAM)) return skipped('sallyport', 'not built (npm run build)')
  const port = await reservePort()
  const file = join(context.folder, 'gateway.yaml')
  writeFileSync(file, configuration(engine, context, port, await reservePort()))
  const words = [GATEWAY_PROGRAM, 'serve', '--config', file]
  const started = await startProcess(process.execPath, words, port, {
    SALLYPORT_LISTENER_THREADS: String(context.threads),
  })
  await untilReady(port)
  const description = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8')) as {
    version: string
  }
  const version = `Sallyport ${description.version}, Node ${process.version}`
  return { status: 'running', port, version, ...started }
}
