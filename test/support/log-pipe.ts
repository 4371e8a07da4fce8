/** A named pipe that is the standard output of a command: its reader can stop, go on and leave. */
import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'

export class LogPipe {
  /** For `stdio` of the command. Blocking, as a shell would hand it over. */
  readonly writeEnd: number
  readonly #reader: Socket
  #text = ''

  /** @param directory Where the pipe gets its name. The reader has not started yet. */
  constructor(directory: string) {
    const path = join(directory, `log-${process.hrtime.bigint()}.pipe`)
    execFileSync('mkfifo', ['-m', '600', path])
    const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    this.writeEnd = openSync(path, constants.O_WRONLY)
    this.#reader = new Socket({ fd: readEnd, readable: true, writable: false })
    this.#reader.pause()
    this.#reader.setEncoding('utf8')
    this.#reader.on('data', (chunk: string) => {
      this.#text += chunk
    })
  }

  /** Whole lines that the reader has seen. */
  get lines(): string[] {
    return this.#text.split('\n').slice(0, -1)
  }

  /** What the reader has seen behind the last line feed. */
  get rest(): string {
    return this.#text.slice(this.#text.lastIndexOf('\n') + 1)
  }

  read(): void {
    this.#reader.resume()
  }

  stopReading(): void {
    this.#reader.pause()
  }

  /** The reader leaves for good. */
  closeReader(): void {
    this.#reader.destroy()
  }

  /** The command has its own copy of the write end. */
  closeWriteEnd(): void {
    closeSync(this.writeEnd)
  }
}
