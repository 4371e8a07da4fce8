/**
 * What a command says to who typed it. Printing never blocks and never throws, so that a terminal
 * which is paused, or a disk that is full, cannot stop a gateway that runs in this process.
 */
import { createLineRingBuffer, LineRing } from '../observability/line-ring.ts'
import { LineWriter } from '../observability/line-writer.ts'
import { openStandardOutput, type StandardDescriptor } from '../observability/standard-output.ts'

export interface Terminal {
  /** One line of what was asked for. */
  readonly print: (line: string) => void
  /** One line about what went wrong. */
  readonly printError: (line: string) => void
  /**
   * Settles when everything is written. Nothing is written afterwards.
   *
   * @param timeoutMs What is not written by then is given up. `null`: waits as long as it takes,
   *   but not for a reader that is gone (`sallyport check … | head -1`) or a disk that is full.
   */
  readonly end: (timeoutMs: number | null) => Promise<void>
}

/** Everything but printable characters and tabs: names in a file could else steer a terminal. */
const CONTROL = /[^\P{C}\t\n]/gu
/** More than a command ever says. What does not fit is left out. */
const BUFFER_BYTES = 1_048_576

class TerminalStream {
  readonly #descriptor: StandardDescriptor
  #ring: LineRing | null = null
  #writer: LineWriter | null = null

  constructor(descriptor: StandardDescriptor) {
    this.#descriptor = descriptor
  }

  write(line: string): void {
    this.#ring ??= new LineRing(createLineRingBuffer(BUFFER_BYTES))
    this.#ring.append(`${line.replace(CONTROL, '?')}\n`, BUFFER_BYTES)
    this.#writer ??= new LineWriter({
      sources: [this.#ring],
      output: openStandardOutput(this.#descriptor),
    })
    this.#writer.wake()
  }

  async end(timeoutMs: number | null): Promise<void> {
    await this.#writer?.end(timeoutMs)
  }
}

const output = new TerminalStream(1)
const errors = new TerminalStream(2)

export const terminal: Terminal = {
  print: (line) => output.write(line),
  printError: (line) => errors.write(line),
  end: async (timeoutMs) => {
    await Promise.all([output.end(timeoutMs), errors.end(timeoutMs)])
  },
}
