/**
 * Runs every test file on the compiled code under coverage, and trusts no exit code alone:
 * a run in which too few tests passed has failed.
 *
 * Files come from the sources, not from `build/`: leftovers of a deleted test do not run, and one
 * that was not compiled is noticed. `node --test` is given files because on Node 20 it takes no
 * globs and would run support modules as tests.
 *
 * Usage: node scripts/run-tests.mjs [path prefix under test/ …]
 * A run of a part (`node scripts/run-tests.mjs unit/claims`) has no minimum and no coverage floor.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensureRedis } from './ensure-redis.mjs'

const ROOT = join(import.meta.dirname, '..')
const REPORT = join(ROOT, 'build', 'test-report.tap')
const COVERAGE = join(ROOT, 'build', 'coverage')

/** Below `test/`: what downloads a program and takes minutes is run only where it is asked for. */
const ON_DEMAND = 'providers/'

/** Ratchets: they may only rise. */
const TESTS_MIN = Number(process.env['SALLYPORT_TESTS_MIN'] ?? 7000)
const COVERAGE_HEAP_MIB = 6_144
const COVERAGE_MIN = { lines: 97, branches: 92 }

/**
 * Half of what the files do is waiting, so two at a time left two cores idle for 45 % of a run. More
 * than three would let load, not the code, decide about the tests of deadlines.
 */
const CONCURRENCY = 3
/**
 * A file that hangs is cut here: Node counts all of its tests together. The slowest need 40 s alone,
 * and ten times that on slow cores beside other work.
 */
const TEST_TIMEOUT_MS = Number(process.env['TEST_TIMEOUT_MS'] ?? 600_000)
/**
 * The whole run, so that one which hangs ends: a quarter of an hour on two idle cores, thrice that on
 * slow ones or beside other work. A pipeline has a limit of its own.
 */
const RUN_TIMEOUT_MS = 50 * 60_000

function testFiles(prefixes) {
  const sources = readdirSync(join(ROOT, 'test'), { recursive: true })
    .filter((path) => path.endsWith('.test.ts'))
    .filter((path) =>
      prefixes.length === 0
        ? !path.startsWith(ON_DEMAND)
        : prefixes.some((prefix) => path.startsWith(prefix)),
    )
    .sort()
  const compiled = sources.map((path) => join('build', 'test', path.replace(/\.ts$/, '.js')))
  const missing = compiled.filter((path) => !existsSync(join(ROOT, path)))
  if (missing.length > 0) fail(`not compiled, run "npm test": ${missing.join(', ')}`)
  if (compiled.length === 0) fail('no test files')
  return compiled
}

/** Sources that declare types only: they leave nothing to run, so nothing to cover. */
function typeOnlySources() {
  return readdirSync(join(ROOT, 'src'), { recursive: true })
    .filter((path) => path.endsWith('.ts'))
    .filter((path) => {
      const compiled = join(ROOT, 'build', 'src', path.replace(/\.ts$/, '.js'))
      if (!existsSync(compiled)) return false
      const code = readFileSync(compiled, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
      return code.trim() === 'export {};'
    })
    .map((path) => `src/${path}`)
}

/** The report on what all programs of the run have noted; it fails below the floor. */
function coverageArguments() {
  return [
    // The reports of all programs and threads of a run do not fit into the memory of one together.
    ...[`--max-old-space-size=${COVERAGE_HEAP_MIB}`, join('node_modules', 'c8', 'bin', 'c8.js')],
    ...['report', '--merge-async'],
    ...['--all', '--src', 'src', '--exclude-after-remap', '--include', 'src/**'],
    // Runs in a browser: test/integration/live-page.test.ts.
    ...['--exclude', 'src/admin/page/**'],
    ...typeOnlySources().flatMap((path) => ['--exclude', path]),
    ...['--reporter', 'text-summary', '--reporter', 'lcovonly', '--reports-dir', 'coverage'],
    ...['--temp-directory', COVERAGE, '--check-coverage'],
    ...['--lines', `${COVERAGE_MIN.lines}`, '--branches', `${COVERAGE_MIN.branches}`],
  ]
}

/** Has every Node program below note which of the project's code ran. */
function coverageEnvironment() {
  const noting = `--import=${new URL('./coverage-of-sources.mjs', import.meta.url).href}`
  const options = process.env['NODE_OPTIONS'] ?? ''
  return { TEST_COVERAGE_FOLDER: COVERAGE, NODE_OPTIONS: `${options} ${noting}`.trim() }
}

function notesCount() {
  return existsSync(COVERAGE) ? readdirSync(COVERAGE).length : 0
}

function nodeArguments(files) {
  return [
    '--enable-source-maps',
    ...['--import', new URL('./test-file-end.mjs', import.meta.url).href],
    '--test',
    `--test-concurrency=${CONCURRENCY}`,
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...['--test-reporter=tap', `--test-reporter-destination=${REPORT}`],
    ...files,
  ]
}

/** Resolves with the exit code; the whole process group dies when the time is up. */
function run(words, environment = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, words, {
      cwd: ROOT,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    })
    const killGroup = () => {
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // Already gone.
      }
    }
    const timer = setTimeout(() => {
      process.stderr.write(`tests ran longer than ${RUN_TIMEOUT_MS / 60_000} minutes: stopped\n`)
      killGroup()
    }, RUN_TIMEOUT_MS)
    const interrupt = () => {
      killGroup()
      process.exit(130)
    }
    process.once('SIGINT', interrupt)
    process.once('SIGTERM', interrupt)
    child.once('close', (code) => {
      clearTimeout(timer)
      process.off('SIGINT', interrupt)
      process.off('SIGTERM', interrupt)
      resolve(code ?? 1)
    })
  })
}

/** The last `# tests 12` line of the report and its fellows; 0 for one that is not there. */
function countsOf(report) {
  const counts = { tests: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0 }
  for (const match of report.matchAll(/^# (\w+) (\d+)$/gm)) {
    if (match[1] in counts) counts[match[1]] = Number(match[2])
  }
  return counts
}

function fail(reason) {
  process.stderr.write(`tests failed: ${reason}\n`)
  process.exit(1)
}

const prefixes = process.argv.slice(2)
const isWhole = prefixes.length === 0
const redisProblem = isWhole ? ensureRedis() : null
if (redisProblem !== null) fail(redisProblem)

const files = testFiles(prefixes)
mkdirSync(join(ROOT, 'build'), { recursive: true })
rmSync(REPORT, { force: true })
if (isWhole) rmSync(COVERAGE, { recursive: true, force: true })
const code = await run(nodeArguments(files), isWhole ? coverageEnvironment() : {})
const coverageCode = isWhole && code === 0 ? await run(coverageArguments()) : 0

const counts = countsOf(existsSync(REPORT) ? readFileSync(REPORT, 'utf8') : '')
const told = `${counts.pass} of ${counts.tests} tests passed in ${files.length} files`
if (counts.fail + counts.cancelled > 0) fail(told)
if (isWhole && counts.pass < TESTS_MIN) fail(`${told}, at least ${TESTS_MIN} were expected`)
if (code !== 0) fail(`${told}, yet the run ended with exit code ${code}`)
if (isWhole && notesCount() < files.length) {
  fail(`${told}, yet only ${notesCount()} programs and threads noted what ran in them`)
}
if (coverageCode !== 0) fail(`${told}, yet less of the code ran in them than the floor of coverage`)
process.stdout.write(`tests passed: ${told}, ${counts.skipped} skipped\n`)
