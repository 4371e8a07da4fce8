/**
 * Loaded into every Node program and thread of a whole run of the tests (scripts/run-tests.mjs): notes
 * which parts of the project's own code ran, in files that c8 reads.
 *
 * `NODE_V8_COVERAGE` does the same for all code, that of packages and of Node included, with a copy
 * of each source map: 3 MB a thread instead of 0.4, and a third more time to start a gateway.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { join } from 'node:path'
import { pid } from 'node:process'
import { threadId } from 'node:worker_threads'

const folder = process.env['TEST_COVERAGE_FOLDER']
/** Where the compiled files are of `src/`, for tests and for users. */
const OWN = ['build/src/', 'dist/'].map((path) => new URL(`../${path}`, import.meta.url).href)

if (folder !== undefined) {
  const session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  // The session answers at once, within the call.
  process.once('exit', () => {
    session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error !== null) throw error
      const result = taken.result.filter(({ url }) => OWN.some((start) => url.startsWith(start)))
      const file = `coverage-${pid}-${Date.now()}-${threadId}.json`
      try {
        mkdirSync(folder, { recursive: true })
        writeFileSync(join(folder, file), JSON.stringify({ result }))
      } catch {
        // A program of another user may not write there, and must end as it would without this.
      }
    })
  })
}
