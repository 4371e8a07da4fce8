/**
 * What ends this process: signals, and failures that nothing caught. Loaded before every other
 * module of the program.
 *
 * Process 1 of a container has no default action for a signal: the kernel drops each one that has
 * no handler. So handlers are there from the first moment to the last, and do themselves what the
 * default action would.
 */
import { constants } from 'node:os'
import { describeError } from '../observability/redact.ts'
import { leave } from '../observability/standard-output.ts'
import type { Terminal } from './terminal.ts'

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const
type EndSignal = (typeof STOP_SIGNALS)[number] | 'SIGHUP'

/** Exit codes of a shell: this and the number of the signal. */
const SIGNALLED = 128
const EXIT_FAILED = 1
/** What closes its sockets and threads gets so long; then the process ends without them. */
const LEAVE_MS = 1_000

export class ProcessEnd {
  readonly #stop = new AbortController()
  readonly #cut = new AbortController()
  readonly #terminal: Terminal
  #isGraceful = true
  #received: EndSignal | null = null
  #exitCode: number | null = null
  /** `null`: it is not known yet what the command wants. */
  #onHangup: (() => void) | null = null
  #isHangupWaiting = false

  /** Takes signals and uncaught failures from here on. */
  constructor(terminal: Terminal) {
    this.#terminal = terminal
    for (const name of STOP_SIGNALS) process.on(name, () => this.#onSignal(name))
    process.on('SIGHUP', () => this.#hangUp())
    process.on('uncaughtException', (error) => this.#onFailure(error))
  }

  /** Aborts when the process is asked to end: finish what runs. */
  get stop(): AbortSignal {
    return this.#stop.signal
  }

  /** Aborts when the process must end at once: cut what runs. Never before {@link stop}. */
  get cut(): AbortSignal {
    return this.#cut.signal
  }

  /** Not `null`: what the process tells its caller, whatever its command has achieved. */
  get exitCode(): number | null {
    return this.#exitCode
  }

  /** For a command that has nothing to finish: the first signal ends the process at once. */
  endAtOnce(): void {
    this.#isGraceful = false
    this.#takeHangups(() => this.#onSignal('SIGHUP'))
    if (this.#received !== null) this.#onSignal(this.#received)
  }

  /** For a command that stops on `stop`. Without `onHangup`, SIGHUP asks for that as well. */
  endGracefully(onHangup: () => void = () => this.#onSignal('SIGHUP')): void {
    this.#takeHangups(onHangup)
  }

  /** The command is over, and with it the process: nothing that is left may keep it alive. */
  async finished(exitCode: number): Promise<never> {
    // What was printed to a pipe must still get there, however slow its reader is. But a reader
    // that has stopped must not keep a gateway that was told to stop.
    await this.#terminal.end(this.stop.aborted ? LEAVE_MS : null)
    return leave(this.#exitCode ?? exitCode)
  }

  #hangUp(): void {
    if (this.#onHangup === null) this.#isHangupWaiting = true
    else this.#onHangup()
  }

  /** One that came while the modules of the command were loaded is not lost. */
  #takeHangups(onHangup: () => void): void {
    this.#onHangup = onHangup
    if (!this.#isHangupWaiting) return
    this.#isHangupWaiting = false
    onHangup()
  }

  #onSignal(name: EndSignal): void {
    if (this.#isGraceful && this.#received === null) {
      this.#received = name
      this.#stop.abort()
    } else this.#leave(SIGNALLED + constants.signals[name])
  }

  #onFailure(error: unknown): void {
    this.#terminal.printError(`sallyport: unexpected failure: ${describeFailure(error)}`)
    if (this.#isGraceful) this.#leave(EXIT_FAILED)
    else void this.#terminal.end(LEAVE_MS).then(() => leave(EXIT_FAILED))
  }

  #leave(exitCode: number): void {
    if (!this.#isGraceful || this.#exitCode !== null) process.exit(exitCode)
    this.#exitCode = exitCode
    // Keeps nothing alive by itself.
    setTimeout(() => void leave(exitCode), LEAVE_MS).unref()
    this.#stop.abort()
    this.#cut.abort()
  }
}

/** Not the message: anyone may have written it (observability/redact.ts). */
function describeFailure(error: unknown): string {
  const { errorName, errorCode, thrownAt } = describeError(error)
  const code = errorCode === null ? '' : ` (${errorCode})`
  return `${errorName}${code}${thrownAt === null ? '' : ` at ${thrownAt}`}`
}
