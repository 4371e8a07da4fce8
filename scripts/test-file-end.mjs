/**
 * Loaded before every test file (scripts/run-tests.mjs): a file must end when its tests are over,
 * and at once when a hook of it fails.
 *
 * - A `before` or `after` hook that fails ends its file: what the other hooks close is closed,
 *   programs that are left are killed, and the error is told. Node by itself would go on with the
 *   tests that need what did not start, leave out the hooks behind the one that failed, and wait
 *   for what stayed open.
 * - A file whose time is up takes the programs that it has started with it.
 * - A file that does not end after its tests has left something open; it is ended with what that
 *   is, instead of being waited for until the time of the whole file is up.
 */
import { subscribe } from 'node:diagnostics_channel'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { isMainThread } from 'node:worker_threads'

/** For hooks that close what the file has opened, on any machine. */
const GRACE_MS = Number(process.env['TEST_FILE_END_GRACE_MS'] ?? 60_000)
/** The same once a hook has failed: then some of them wait for what never started. */
const CLOSE_MS = 5_000

const runner = createRequire(import.meta.url)('node:test')
const addHook = { before: runner.before, after: runner.after }
/** Hooks that close something and have not run yet. */
const closers = new Set()
const programs = new Set()
let isEnding = false

// Programs and threads that a test starts inherit the flags of Node, and come by here as well.
if (isMainThread && process.argv[1]?.endsWith('.test.js') === true) {
  subscribe('child_process', ({ process: program }) => {
    programs.add(program)
    program.once('exit', () => programs.delete(program))
  })
  runner.before = (hook, options) => addHook.before(endingFile(hook), options)
  runner.after = (hook, options) => {
    const closer = endingFile((...all) => {
      closers.delete(closer)
      return hook(...all)
    })
    closers.add(closer)
    return addHook.after(closer, options)
  }
  syncBuiltinESMExports()
  // From the runner, when the time of the file is up. A stopped program would hold its output open.
  process.once('SIGTERM', () => void exit())
  addHook.after(() => {
    setTimeout(() => {
      const open = process.getActiveResourcesInfo().join(', ')
      process.stderr.write(`the tests of ${process.argv[1]} are over, but it holds: ${open}\n`)
      void exit()
    }, GRACE_MS).unref()
  })
}

/** The same hook; when it fails, so does the whole file. */
function endingFile(hook) {
  return async (...all) => {
    try {
      await hook(...all)
    } catch (error) {
      if (!isEnding) await endFile(error)
      throw error
    }
  }
}

async function endFile(error) {
  isEnding = true
  const told = error instanceof Error ? error.stack : String(error)
  process.stderr.write(`a hook of ${process.argv[1]} failed, which ends the file: ${told}\n`)
  setTimeout(() => void exit(), CLOSE_MS)
  // What one of them needs may never have been opened: what it says of that is no help.
  for (const closer of closers) await closer().catch(() => undefined)
  await exit()
}

async function exit() {
  // A program that could not be started has no id, and never ends.
  const left = [...programs].filter(({ pid }) => pid !== undefined)
  const ends = left.map((program) => new Promise((resolve) => program.once('exit', resolve)))
  for (const program of left) program.kill('SIGKILL')
  await Promise.all(ends)
  process.exit(1)
}
