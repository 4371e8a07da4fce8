/** The compiled command in a process of its own, run and signalled as users do it. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { describeEnd } from './child-ends.ts'
import { eventually } from './eventually.ts'

/** More than any drain of a test takes, on any machine. */
const END_MS_MAX = 60_000

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))

interface CommandEnd {
  readonly exitCode: number | null
  /** What ended it, if nothing else did. */
  readonly signal: NodeJS.Signals | null
}

/**
 * The system chooses what port 0 is, and listener threads bind that only afterwards: meanwhile it
 * may be given to somebody else, as may a port that is the same in every run.
 */
function assertNamesPorts(words: readonly string[], environment: Readonly<Record<string, string>>) {
  const [command, , file = ''] = words
  if (command === 'demo') assert.ok(environment['SALLYPORT_DEMO_PORT'], 'reserve a port for it')
  if (command === 'serve') assert.notEqual(portOf(file), 0, 'reserve a port: served-gateway.ts')
}

function portOf(file: string): unknown {
  try {
    const sections = parse(readFileSync(file, 'utf8')) as { server?: { port?: unknown } } | null
    return sections?.server?.port
  } catch {
    // That it is told so may be what the test is about.
    return null
  }
}

export class SpawnedCommand {
  /** Lines on standard output. */
  readonly output: string[] = []
  /** Lines on standard error. */
  readonly errors: string[] = []
  readonly #child: ChildProcess
  readonly #end: Promise<CommandEnd>
  #hasEnded = false

  readonly #isWrapped: boolean

  /**
   * @param main The program; default: the one that was compiled with the tests.
   * @param flags What Node itself is told.
   * @param wrapper A command that runs Node as its only child and ends as that child does.
   */
  constructor(
    words: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    main = MAIN,
    flags: readonly string[] = [],
    wrapper: readonly string[] = [],
  ) {
    assertNamesPorts(words, environment)
    this.#isWrapped = wrapper.length > 0
    const [program = '', ...rest] = [...wrapper, process.execPath, ...flags, main, ...words]
    const child = spawn(program, rest, {
      env: { SALLYPORT_LISTENER_THREADS: '2', ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    createInterface({ input: child.stdout }).on('line', (line) => this.output.push(line))
    createInterface({ input: child.stderr }).on('line', (line) => this.errors.push(line))
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

  /** Settles when it has ended, and all that it said has been read; fails when it goes on. */
  async ended(): Promise<CommandEnd> {
    await eventually('the command ends', () => this.#hasEnded, END_MS_MAX)
    return this.#end
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.processId, name)
  }

  /**
   * Whether it has a handler for this signal by now. Node itself has one for SIGTERM and SIGINT,
   * which only restores the terminal: ask for another.
   */
  catches(name: NodeJS.Signals): boolean {
    const status = readFileSync(`/proc/${this.processId}/status`, 'utf8')
    const caught = BigInt(`0x${/^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
    return ((caught >> BigInt(constants.signals[name] - 1)) & 1n) === 1n
  }

  /** Standard error is read no more: its terminal has gone. */
  closeErrors(): void {
    this.#child.stderr?.destroy()
  }

  /** The first log line of this event, if there was one. */
  logLine(event: string): Readonly<Record<string, unknown>> | null {
    const line = this.output.find((candidate) => candidate.includes(`"event":"${event}"`))
    return line === undefined ? null : (JSON.parse(line) as Record<string, unknown>)
  }

  /** Settles when this event is in the log; fails when it does not come in time. */
  async logged(event: string): Promise<Readonly<Record<string, unknown>>> {
    await this.until(`${event} is logged`, () => this.logLine(event) !== null)
    return this.logLine(event) ?? {}
  }

  /** Settles as soon as the condition holds; fails at once when the command ends before that. */
  async until(description: string, holds: () => boolean): Promise<void> {
    await eventually(description, () => holds() || this.#hasEnded)
    if (holds()) return
    const said = [...this.output, ...this.errors]
    throw new Error(`${describeEnd('the command', this.#child, said)}\nbefore: ${description}`)
  }

  /** Ends it at once, for the end of a test that may have failed. */
  async kill(): Promise<void> {
    if (!this.#hasEnded) this.#child.kill('SIGKILL')
    await this.#end
  }

  /** Of Node itself. */
  get processId(): number {
    const { pid = 0 } = this.#child
    if (!this.#isWrapped) return pid
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return Number(children.trim()) || pid
  }
}
