#!/usr/bin/env node
/** The process entry. */
import { runCommand } from './cli/run-command.ts'
import { terminal } from './cli/terminal.ts'

// Not `process.exit`: what was printed to a pipe must still get there.
process.exitCode = await runCommand(process.argv.slice(2), terminal)
