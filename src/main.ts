#!/usr/bin/env node
/** The process entry. */
import { EXIT, type ExitCode } from './cli/exit-code.ts'
import { nodeProblem } from './cli/node-version.ts'
import { ProcessEnd } from './cli/process-end.ts'
import { terminal } from './cli/terminal.ts'

const end = new ProcessEnd(terminal)
let exitCode: ExitCode = EXIT.refused
const problem = nodeProblem(process.versions.node)
if (problem === null) {
  // Not before: an old Node.js fails while it loads the rest, and a signal that comes while all
  // modules are read must not be lost.
  const { runCommand } = await import('./cli/run-command.ts')
  exitCode = await runCommand(process.argv.slice(2), terminal, end)
} else terminal.printError(`sallyport: ${problem}`)
await end.finished(exitCode)
