/**
 * Loaded before every test file (scripts/run-tests.mjs): a file whose tests are over must end. One
 * that does not has left something open, mostly because what was to close it failed; it is ended
 * with what that is, instead of being waited for until the time of the whole file is up.
 */
import { after } from 'node:test'
import { isMainThread } from 'node:worker_threads'

/** For hooks that close what the file has opened, on any machine. */
const GRACE_MS = Number(process.env['TEST_FILE_END_GRACE_MS'] ?? 60_000)

// Programs and threads that a test starts inherit the flags of Node, and come by here as well.
if (isMainThread && process.argv[1]?.endsWith('.test.js') === true) {
  after(() => {
    setTimeout(() => {
      const open = process.getActiveResourcesInfo().join(', ')
      process.stderr.write(`the tests of ${process.argv[1]} are over, but it holds: ${open}\n`)
      process.exit(1)
    }, GRACE_MS).unref()
  })
}
