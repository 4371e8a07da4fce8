#!/usr/bin/env node
/** The process entry. */
import { EXIT } from './cli/exit-code.ts'
import { nodeProblem } from './cli/node-version.ts'
import { terminal } from './cli/terminal.ts'

const problem = nodeProblem(process.versions.node)
// Not `process.exit`: what was printed to a pipe must still get there.
if (problem === null) {
  // Not before: an old Node.js fails while it loads the rest.
  const { runCommand } = await import('./cli/run-command.ts')
  process.exitCode = await runCommand(process.argv.slice(2), terminal)
} else {
  terminal.complain(`sallyport: ${problem}`)
  process.exitCode = EXIT.refused
}
