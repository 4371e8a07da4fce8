/** The only door to the terminal. */

export interface Terminal {
  /** One line of what was asked for. */
  readonly print: (line: string) => void
  /** One line about what went wrong. */
  readonly complain: (line: string) => void
}

/** Everything but printable characters and tabs: names in a file could else steer a terminal. */
const CONTROL = /[^\P{C}\t\n]/gu

export const terminal: Terminal = {
  print: (line) => {
    process.stdout.write(`${line.replace(CONTROL, '?')}\n`)
  },
  complain: (line) => {
    process.stderr.write(`${line.replace(CONTROL, '?')}\n`)
  },
}
