#!/usr/bin/env node
/** The process entry. */
import { EXIT, type ExitCode } from './cli/exit-code.ts'
import { nodeProblem } from './cli/node-version.ts'
import { terminal } from './cli/terminal.ts'
import { leave } from './observability/standard-output.ts'

let exitCode: ExitCode = EXIT.refused
const problem = nodeProblem(process.versions.node)
if (problem === null) {
  // Not before: an old Node.js fails while it loads the rest.
  const { runCommand } = await import('./cli/run-command.ts')
  exitCode = await runCommand(process.argv.slice(2), terminal)
} else terminal.complain(`sallyport: ${problem}`)
// What was printed to a pipe must still get there, however slow its reader is.
await terminal.end(null)
await leave(exitCode)
