/**
 * Restarts two gateways in turn behind a TCP balancer while clients with kept connections ask
 * without end, and counts what was lost.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { reservePort } from '../../test/support/reserved-port.ts'
import { endWithThisProcess } from '../child-process.ts'
import { AUDIENCE, ISSUER, prepareCredentials } from '../credentials.ts'
import { startUpstream } from '../upstream-process.ts'
import { workingFolder } from '../working-folder.ts'
import type { Balancer } from './balancers.ts'
import { KeepAliveClients } from './keep-alive-clients.ts'
import { isReady } from './tcp-balancer.ts'

export interface RollingRestartOptions {
  /** `main.js` of the gateway. */
  readonly program: string
  readonly balancer: Balancer
  readonly restarts: number
  readonly busyClients: number
  readonly slowClients: number
  /** Longer than it takes the balancer to see that an instance is unready. */
  readonly drainDelayMs: number
  /** Between a successor that is ready and the next restart, for the balancer to see it. */
  readonly settleMs: number
  readonly onRestart?: (done: number, clients: KeepAliveClients) => void
}

export interface RollingRestartReport {
  readonly balancer: string
  readonly restarts: number
  readonly answered: number
  readonly lost: number
  readonly statuses: Readonly<Record<string, number>>
  readonly failures: Readonly<Record<string, number>>
  readonly connections: number
  readonly slowestMs: number
  readonly seconds: number
}

const TOKENS = 64
const LISTENER_THREADS = 2
const READY_MS_MAX = 30_000
const READY_POLL_MS = 50
const END_MS_MAX = 60_000
/** Between two requests of a slow client at most. */
const PAUSE_MS_MAX = 2_000
const OUTPUT_KEPT_MAX = 4_000

interface Instance {
  readonly port: number
  readonly file: string
  child: ChildProcess
}

/**
 * @returns What happened. An instance that does not end with 0 after SIGTERM, or whose successor
 *   is not ready in time, is an error instead.
 */
export async function rollingRestart(
  options: RollingRestartOptions,
): Promise<RollingRestartReport> {
  const { balancer, program, restarts, drainDelayMs, settleMs } = options
  const folder = workingFolder('rolling')
  const credentials = prepareCredentials('ES256', TOKENS)
  const tokens = readFileSync(credentials.tokensFile, 'latin1').split('\n').slice(0, TOKENS)
  const upstream = await startUpstream()
  const instances: Instance[] = []
  const beganMs = performance.now()
  try {
    for (let index = 0; index < 2; index += 1) {
      const port = await reservePort()
      const file = join(folder.path, `gateway-${index}.yaml`)
      const text = configuration(port, upstream.port, credentials.jwksFile, drainDelayMs)
      writeFileSync(file, text)
      instances.push({ port, file, child: await startGateway(program, file, port) })
    }
    const ports = instances.map(({ port }) => port)
    const running = await balancer.start(ports, folder.path)
    await untilReady(running.port, () => false)
    const clients = new KeepAliveClients({
      port: running.port,
      tokens,
      busy: options.busyClients,
      slow: options.slowClients,
      pauseMsMax: PAUSE_MS_MAX,
    })
    try {
      for (let done = 0; done < restarts; done += 1) {
        const instance = instances[done % instances.length]
        if (instance === undefined) break
        await delay(settleMs)
        await endGateway(instance.child)
        instance.child = await startGateway(program, instance.file, instance.port)
        options.onRestart?.(done + 1, clients)
      }
      await delay(settleMs)
    } finally {
      await clients.stop()
      await running.stop()
    }
    return report(options, clients, (performance.now() - beganMs) / 1_000)
  } finally {
    for (const { child } of instances) child.kill('SIGKILL')
    await upstream.stop()
    folder.remove()
  }
}

function configuration(
  port: number,
  upstreamPort: number,
  jwksFile: string,
  drainDelayMs: number,
): string {
  return JSON.stringify({
    server: { host: '127.0.0.1', port, drain: { delay: `${drainDelayMs}ms`, timeout: '30s' } },
    admin: { host: '127.0.0.1', port: 0 },
    issuers: {
      main: {
        issuer: ISSUER,
        audiences: [AUDIENCE],
        algorithms: ['ES256'],
        jwks: { file: jwksFile },
      },
    },
    upstreams: { main: { targets: [`http://127.0.0.1:${upstreamPort}`] } },
    routes: [{ name: 'api', match: { path: '/api/*' }, upstream: 'main', authenticate: ['jwt'] }],
    logging: { level: 'warn', accessLog: { enabled: false } },
  })
}

async function startGateway(program: string, file: string, port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, 'serve', '--config', file], {
    env: { ...process.env, SALLYPORT_LISTENER_THREADS: String(LISTENER_THREADS) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  endWithThisProcess(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-OUTPUT_KEPT_MAX)
    })
  }
  try {
    await untilReady(port, () => child.exitCode !== null)
  } catch (error) {
    child.kill('SIGKILL')
    throw new Error(`a gateway did not become ready: ${output}`, { cause: error })
  }
  return child
}

/** @param hasEnded Whether there is nothing to wait for any more. */
async function untilReady(port: number, hasEnded: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + READY_MS_MAX
  while (!(await isReady(port))) {
    if (hasEnded() || performance.now() > deadlineMs) throw new Error(`port ${port} is not ready`)
    await delay(READY_POLL_MS)
  }
}

async function endGateway(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit', { signal: AbortSignal.timeout(END_MS_MAX) })
  child.kill('SIGTERM')
  const [exitCode, signal] = (await ended) as [number | null, string | null]
  if (exitCode !== 0) throw new Error(`a gateway ended with ${exitCode ?? signal}`)
}

function report(
  { balancer, restarts }: RollingRestartOptions,
  clients: KeepAliveClients,
  seconds: number,
): RollingRestartReport {
  return {
    balancer: balancer.name,
    restarts,
    answered: clients.answered,
    lost: clients.lost,
    statuses: Object.fromEntries(clients.statuses),
    failures: Object.fromEntries(clients.failures),
    connections: clients.connections,
    slowestMs: Math.round(clients.slowestMs),
    seconds: Math.round(seconds),
  }
}
