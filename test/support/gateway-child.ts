/** A whole gateway in a process of its own: real threads, real sockets, its log at hand. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describeEnd, reportUnwantedEnd } from './child-ends.ts'
import { FAST_SUPERVISOR_FLAGS } from './fast-supervisor.ts'
import type { Order, Report } from './gateway-process.ts'
import { FAULT_FLAGS } from './thread-faults.ts'

export type LogLine = Readonly<Record<string, unknown>>

/** More than any drain of a test takes, on any machine. */
const STOP_MS_MAX = 60_000

type Question<T> = T extends Order ? Omit<T, 'id'> : never

export interface StartedGateway {
  readonly child: ChildProcess
  readonly port: number
  readonly adminPort: number
  readonly log: readonly LogLine[]
}

/**
 * @param yaml A configuration. Use port 0 for `server` and `admin`.
 * @param environment On top of this process's own.
 * @throws (rejects) With the gateway's own message when it does not start.
 */
export async function forkGateway(
  yaml: string,
  environment: Readonly<Record<string, string>>,
): Promise<StartedGateway> {
  const child = fork(new URL('./gateway-process.js', import.meta.url), [yaml], {
    env: { SALLYPORT_LISTENER_THREADS: '2', ...process.env, ...environment },
    execArgv: [...process.execArgv, ...FAULT_FLAGS, ...FAST_SUPERVISOR_FLAGS],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const log = collectLog(child)
  const report = await firstReport(child, log)
  if (report.type !== 'started') {
    throw new Error(report.type === 'failed' ? report.message : 'no gateway was started')
  }
  return { child, port: report.port, adminPort: report.adminPort, log }
}

export class GatewayProcess {
  readonly origin: string
  readonly adminOrigin: string
  readonly processId: number
  readonly port: number
  /** Every line of its log, parsed, in order of arrival. */
  readonly log: readonly LogLine[]
  readonly #child: ChildProcess
  #orders = 0
  #isStopping = false

  constructor({ child, port, adminPort, log }: StartedGateway) {
    this.#child = child
    this.port = port
    this.log = log
    this.origin = `http://127.0.0.1:${port}`
    this.adminOrigin = `http://127.0.0.1:${adminPort}`
    this.processId = child.pid ?? 0
    child.once('exit', () => {
      if (!this.#isStopping) reportUnwantedEnd(describeGatewayEnd(child, log))
    })
  }

  async crashListener(index: number): Promise<void> {
    await this.#ask({ type: 'crash_listener', index })
  }

  /** Writes the configuration that is loaded next. Use port 0 for `server` and `admin`. */
  async write(text: string): Promise<void> {
    await this.#ask({ type: 'write', text })
  }

  /** Resident memory of the whole process. */
  async residentBytes(): Promise<number> {
    return this.#ask({ type: 'memory' })
  }

  /** `/health/ready` on the main port. */
  async isReady(): Promise<boolean> {
    const response = await fetch(`${this.origin}/health/ready`)
    await response.arrayBuffer()
    return response.ok
  }

  /** Ends it as SIGTERM would. @returns The exit code. */
  async stop(): Promise<number | null> {
    this.#isStopping = true
    if (this.#hasEnded) return this.#child.exitCode
    const hasEnded = once(this.#child, 'exit') as Promise<[number | null]>
    if (this.#child.connected)
      this.#child.send({ id: this.#orders++, type: 'stop' } satisfies Order)
    const force = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS_MAX)
    const [exitCode] = await hasEnded
    clearTimeout(force)
    if (this.#child.signalCode === 'SIGKILL')
      throw new Error(`the gateway did not end within ${STOP_MS_MAX} ms after it was told to`)
    return exitCode
  }

  /** Ends it as SIGKILL does: at once, whatever it was doing. */
  async kill(): Promise<void> {
    this.#isStopping = true
    if (this.#hasEnded) return
    const hasEnded = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await hasEnded
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  #ask(question: Question<Order>): Promise<number> {
    const id = this.#orders
    this.#orders += 1
    return new Promise((resolve, reject) => {
      const onReport = (report: Report) => {
        if (report.type !== 'done' || report.id !== id) return
        this.#child.off('message', onReport)
        this.#child.off('exit', onExit)
        resolve(report.rssBytes)
      }
      const onExit = () => reject(new Error(describeGatewayEnd(this.#child, this.log)))
      if (this.#hasEnded) {
        onExit()
        return
      }
      this.#child.on('message', onReport)
      this.#child.once('exit', onExit)
      this.#child.send({ id, ...question })
    })
  }
}

function collectLog(child: ChildProcess): readonly LogLine[] {
  const lines: LogLine[] = []
  if (child.stdout === null) return lines
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{')) lines.push(JSON.parse(line) as LogLine)
  })
  return lines
}

async function firstReport(child: ChildProcess, log: readonly LogLine[]): Promise<Report> {
  return new Promise((resolve) => {
    child.once('message', (report: Report) => resolve(report))
    const giveUp = () => resolve({ type: 'failed', message: describeGatewayEnd(child, log) })
    child.once('exit', () => {
      // What it reported last may still be on its way.
      if (child.connected) child.once('disconnect', giveUp)
      else giveUp()
    })
  })
}

function describeGatewayEnd(child: ChildProcess, log: readonly LogLine[]): string {
  const lines = log.map((line) => JSON.stringify(line))
  return describeEnd('the gateway process', child, lines)
}
