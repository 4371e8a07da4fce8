/** Carries out one command line. */
import { type Invocation, readArguments } from './arguments.ts'
import { check } from './check.ts'
import { demo } from './demo.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { serve } from './serve.ts'
import type { Terminal } from './terminal.ts'
import { usage } from './usage.ts'
import { packageVersion } from './version.ts'

/**
 * @param words `process.argv` without its first two.
 * @returns The exit code. Never rejects: what went wrong is one line, without a stack.
 */
export async function runCommand(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const reading = readArguments(words)
  if (!reading.ok) {
    for (const problem of reading.problems) terminal.complain(`sallyport: ${problem}`)
    terminal.complain('sallyport --help lists commands and options')
    return EXIT.refused
  }
  try {
    return await run(reading.invocation, terminal)
  } catch (error) {
    terminal.complain(`sallyport: ${error instanceof Error ? error.message : String(error)}`)
    // Something that the operator must change first is a refusal, like a bad configuration.
    return error instanceof Error && error.name === 'StartError' ? EXIT.refused : EXIT.failed
  }
}

async function run(invocation: Invocation, terminal: Terminal): Promise<ExitCode> {
  switch (invocation.command) {
    case 'serve':
      return serve(invocation.configFile, terminal)
    case 'check':
      return check(invocation, terminal)
    case 'demo':
      return demo(terminal)
    case 'explain':
      terminal.complain('sallyport: explain is not available in this version')
      return EXIT.refused
    case 'help':
      terminal.print(usage())
      return EXIT.ok
    case 'version':
      terminal.print(packageVersion())
      return EXIT.ok
  }
}
