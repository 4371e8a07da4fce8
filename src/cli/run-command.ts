/** Carries out one command line. */
import { PACKAGE_VERSION } from '../resilience/product.ts'
import { type Invocation, readArguments } from './arguments.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import type { ProcessEnd } from './process-end.ts'
import { serve } from './serve.ts'
import type { Terminal } from './terminal.ts'
import { usage } from './usage.ts'

/**
 * @param words `process.argv` without its first two.
 * @returns The exit code. Never rejects: what went wrong is one line, without a stack.
 */
export async function runCommand(
  words: readonly string[],
  terminal: Terminal,
  end: ProcessEnd,
): Promise<ExitCode> {
  const reading = readArguments(words)
  if (!reading.ok) {
    for (const problem of reading.problems) terminal.printError(`sallyport: ${problem}`)
    terminal.printError('sallyport --help lists commands and options')
    return EXIT.refused
  }
  try {
    return await run(reading.invocation, terminal, end)
  } catch (error) {
    terminal.printError(`sallyport: ${error instanceof Error ? error.message : String(error)}`)
    // Something that the operator must change first is a refusal, like a bad configuration.
    return error instanceof Error && error.name === 'StartError' ? EXIT.refused : EXIT.failed
  }
}

/** Modules are loaded on demand: no command should wait for those of another, or fail with them. */
async function run(invocation: Invocation, terminal: Terminal, end: ProcessEnd): Promise<ExitCode> {
  switch (invocation.command) {
    case 'serve':
      return serve(invocation.configFile, terminal, end)
    case 'demo':
      return (await import('./demo.ts')).demo(terminal, end)
    case 'health':
      end.endAtOnce()
      return (await import('./health.ts')).health(invocation.configFile, terminal)
    case 'check':
      end.endAtOnce()
      return (await import('./check.ts')).check(invocation, terminal)
    case 'explain':
      end.endAtOnce()
      return (await import('./explain.ts')).explain(invocation, terminal)
    case 'help':
      terminal.print(usage())
      return EXIT.ok
    case 'version':
      terminal.print(PACKAGE_VERSION)
      return EXIT.ok
  }
}
