/** `sallyport serve` with a chosen standard output, and clients that keep it logging. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from './eventually.ts'
import { metricSample } from './metric-sample.ts'
import { reservePort } from './reserved-port.ts'

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))
const CLIENTS = 16
/** Settings with which every request leaves an access line. */
export const EVERY_LINE = { sampling: 1, refusalSampling: 1, linesPerSecondMax: 1_000_000 }
const START_DEADLINE_MS = 20_000

export interface LoadReport {
  readonly answers: number
  readonly slowestMs: number
}

export interface LoggingGatewayOptions {
  /** Where the configuration file is written. */
  readonly directory: string
  /** A file descriptor, or `pipe`: what Node makes for a child, a pair of sockets. */
  readonly output: number | 'pipe'
  /** Standard error; default: the test has it. */
  readonly errors?: number
  readonly upstream?: string
  readonly logging?: Readonly<Record<string, unknown>>
  readonly environment?: Readonly<Record<string, string>>
  /** User that the command runs as; default: the same as the test. */
  readonly userId?: number
}

/**
 * A configuration in which every request leaves an access line. What is below `/shadow/` is let
 * pass with a security event; all else is refused by the gateway itself.
 */
export function loggingConfiguration(
  ports: { readonly server: number; readonly admin: number },
  upstream: string,
  logging: Readonly<Record<string, unknown>> = {},
): string {
  const host = '127.0.0.1'
  const issuer = { issuer: 'https://a.example.com/', audiences: ['api'] }
  const secret = 'a shared secret of thirty-two bytes at the least'
  const jwt = { upstream: 'only', authenticate: ['jwt'] }
  return JSON.stringify({
    server: { host, port: ports.server, drain: { delay: '0s', timeout: '1s' } },
    admin: { host, port: ports.admin },
    issuers: { main: { ...issuer, algorithms: ['HS256'], secret } },
    upstreams: { only: { targets: [upstream] } },
    routes: [
      { name: 'shadow', match: { path: '/shadow/*' }, ...jwt, mode: 'shadow' },
      { name: 'all', match: { path: '/*' }, ...jwt },
    ],
    logging: { accessLog: EVERY_LINE, ...logging },
  })
}

export class LoggingGateway {
  readonly port: number
  readonly adminPort: number
  readonly process: ChildProcess
  readonly #end: Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>
  #errors = ''

  private constructor(child: ChildProcess, port: number, adminPort: number) {
    this.process = child
    this.port = port
    this.adminPort = adminPort
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#errors += chunk
    })
    this.#end = (once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>).then(
      ([exitCode, signal]) => ({ exitCode, signal }),
    )
  }

  /** Settles when it is ready; the test ends it. The log is not read unless the test reads it. */
  static async start(test: TestContext, options: LoggingGatewayOptions): Promise<LoggingGateway> {
    const [server, admin] = [await reservePort(), await reservePort()]
    const file = join(options.directory, `gateway-${server}.yaml`)
    const upstream = options.upstream ?? 'http://127.0.0.1:9'
    writeFileSync(file, loggingConfiguration({ server, admin }, upstream, options.logging))
    const child = spawn(process.execPath, [MAIN, 'serve', '--config', file], {
      env: { SALLYPORT_LISTENER_THREADS: '2', ...process.env, ...options.environment },
      stdio: ['ignore', options.output, options.errors ?? 'pipe'],
      ...(options.userId === undefined ? {} : { uid: options.userId }),
    })
    const gateway = new LoggingGateway(child, server, admin)
    test.after(async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await gateway.#end
    })
    await eventually('the gateway is ready', () => gateway.isReady(), START_DEADLINE_MS)
    return gateway
  }

  /** What it said on standard error. */
  get errors(): string {
    return this.#errors
  }

  get output(): Readable {
    if (this.process.stdout === null) throw new Error('the output is not read by this process')
    return this.process.stdout
  }

  async isReady(): Promise<boolean> {
    const { exitCode, signalCode } = this.process
    if (exitCode !== null || signalCode !== null) throw new Error(`it has ended: ${this.#errors}`)
    return (await statusOf(this.port, '/health/ready').catch(() => 0)) === 200
  }

  /** Sends so many requests over keep-alive connections, each when the one before is answered. */
  async load(requests: number, path = '/x'): Promise<LoadReport> {
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
    let [sent, answers, slowestMs] = [0, 0, 0]
    const client = async (): Promise<void> => {
      while (sent < requests) {
        sent += 1
        const startedMs = performance.now()
        await statusOf(this.port, path, agent)
        slowestMs = Math.max(slowestMs, performance.now() - startedMs)
        answers += 1
      }
    }
    await Promise.all(Array.from({ length: CLIENTS }, client))
    agent.destroy()
    return { answers, slowestMs }
  }

  status(path: string): Promise<number> {
    return statusOf(this.port, path)
  }

  /** {@link metricSample} */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number> {
    return metricSample(`http://127.0.0.1:${this.adminPort}`, name, labels)
  }

  /** SIGTERM, and how it ended and after how long; a process that does not end is killed. */
  async stop(deadlineMs: number): Promise<{ exitCode: number | null; tookMs: number }> {
    const startedMs = performance.now()
    this.process.kill('SIGTERM')
    const timer = setTimeout(() => this.process.kill('SIGKILL'), deadlineMs)
    const { exitCode } = await this.#end
    clearTimeout(timer)
    return { exitCode, tookMs: performance.now() - startedMs }
  }
}

const ANSWER_DEADLINE_MS = 10_000

function statusOf(port: number, path: string, agent?: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, ...(agent && { agent }) }
    const request = get({ ...options, timeout: ANSWER_DEADLINE_MS }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode ?? 0))
    })
    request.once('timeout', () => request.destroy(new Error(`no answer to ${path}`)))
    request.once('error', reject)
  })
}
