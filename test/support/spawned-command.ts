/** The compiled command in a process of its own, run and signalled as users do it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { eventually } from './eventually.ts'

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))

interface CommandEnd {
  readonly exitCode: number | null
  /** What ended it, if nothing else did. */
  readonly signal: NodeJS.Signals | null
}

export class SpawnedCommand {
  /** Lines on standard output. */
  readonly output: string[] = []
  /** Lines on standard error. */
  readonly complaints: string[] = []
  readonly #child: ChildProcess
  readonly #end: Promise<CommandEnd>
  #hasEnded = false

  /**
   * @param main The program; default: the one that was compiled with the tests.
   * @param flags What Node itself is told.
   */
  constructor(
    words: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    main = MAIN,
    flags: readonly string[] = [],
  ) {
    const child = spawn(process.execPath, [...flags, main, ...words], {
      env: { SALLYPORT_LISTENER_THREADS: '2', ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    createInterface({ input: child.stdout }).on('line', (line) => this.output.push(line))
    createInterface({ input: child.stderr }).on('line', (line) => this.complaints.push(line))
    this.#end = (once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>).then(
      ([exitCode, signal]) => {
        this.#hasEnded = true
        return { exitCode, signal }
      },
    )
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Settles when it has ended, and all that it said has been read. */
  ended(): Promise<CommandEnd> {
    return this.#end
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** The first log line of this event, if there was one. */
  logLine(event: string): Readonly<Record<string, unknown>> | null {
    const line = this.output.find((candidate) => candidate.includes(`"event":"${event}"`))
    return line === undefined ? null : (JSON.parse(line) as Record<string, unknown>)
  }

  /** Settles when this event is in the log; fails when it does not come in time. */
  async logged(event: string): Promise<Readonly<Record<string, unknown>>> {
    await eventually(`${event} is logged`, () => this.logLine(event) !== null || this.#hasEnded)
    const line = this.logLine(event)
    if (line === null) throw new Error(`it ended without ${event}: ${this.complaints.join('\n')}`)
    return line
  }

  /** Ends it at once, for the end of a test that may have failed. */
  async kill(): Promise<void> {
    if (!this.#hasEnded) this.#child.kill('SIGKILL')
    await this.#end
  }
}
