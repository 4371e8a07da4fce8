/** Whether a green run means something: the runner fails when tests fail or are few. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { REPOSITORY_ROOT } from './repository.ts'

const PASSING = "import { it } from 'node:test'\nit('holds', () => {})\n"
const FAILING =
  "import { it } from 'node:test'\nit('breaks', () => { throw new Error('broken') })\n"
/** Nothing closes what it opens. */
const FORGETFUL = `
  import { createServer } from 'node:net'
  import { before, it } from 'node:test'
  before(() => void createServer().listen(0, '127.0.0.1'))
  it('runs', () => {})
`
/** The second of two parts does not start, and the hook that closes both stumbles over that. */
const STARTED_BY_HALF = `
  import { spawn } from 'node:child_process'
  import { createServer } from 'node:net'
  import { after, before, describe, it } from 'node:test'
  after(() => process.stderr.write('closed what is outside'))
  describe('parts', () => {
    let first, second
    before(async () => {
      first = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1_000)'])
      process.stderr.write('program ' + first.pid + '.')
      createServer().listen(0, '127.0.0.1')
      await new Promise(setImmediate)
      throw new Error('the second did not start')
    })
    after(() => {
      second.stop()
      first.kill()
    })
    after(() => process.stderr.write('closed what comes behind'))
    it('needs both', () => process.stderr.write('ran without the parts'))
  })
  describe('others', () => it('comes later', () => process.stderr.write('ran afterwards')))
`
/** All tests pass, and then one of the hooks that close things fails. */
const ENDED_BADLY = `
  import { createServer } from 'node:net'
  import { after, before, it } from 'node:test'
  before(() => void createServer().listen(0, '127.0.0.1'))
  after(() => Promise.reject(new Error('the first did not stop')))
  after(() => process.stderr.write('closed what comes behind'))
  it('runs', () => {})
`
/** Longer than an inner run may take, so that only a run that ends by itself passes. */
const NEVER_MS = 600_000
const TIMEOUT_MS = 60_000

/** Waits for ever, and so does a program of it that inherits its output. */
const STUCK = `import { spawn } from 'node:child_process'
import { it } from 'node:test'
it('waits', async () => {
  const stdio = ['ignore', 'inherit', 'inherit']
  const program = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio })
  console.log('program ' + program.pid + '.')
  program.kill('SIGSTOP')
  await new Promise(() => {})
})
`

interface Outcome {
  readonly code: number | null
  readonly lastLine: string
  readonly output: string
}

/** Runs a copy of the runner over a repository of these files; a prefix makes it a part run. */
function runTests(
  context: TestContext,
  files: Readonly<Record<string, string>>,
  prefix: string | null = null,
  graceMs = 500,
  fileMs = 300_000,
): Outcome {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-test-runner-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(join(REPOSITORY_ROOT, 'scripts'), join(folder, 'scripts'), { recursive: true })
  symlinkSync(join(REPOSITORY_ROOT, 'node_modules'), join(folder, 'node_modules'))
  const all = { 'package.json': '{"type":"module"}', 'src/empty.ts': '', ...files }
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  // The inner run must not take itself for a part of the outer one.
  const { NODE_OPTIONS: _, TEST_COVERAGE_FOLDER: __, NODE_TEST_CONTEXT: ___, ...env } = process.env
  const done = spawnSync(
    process.execPath,
    ['scripts/run-tests.mjs', ...(prefix === null ? [] : [prefix])],
    {
      cwd: folder,
      env: {
        ...env,
        SALLYPORT_TESTS_MIN: '2',
        TEST_FILE_END_GRACE_MS: String(graceMs),
        TEST_TIMEOUT_MS: String(fileMs),
      },
      encoding: 'utf8',
      timeout: TIMEOUT_MS,
    },
  )
  const output = `${done.stdout}${done.stderr}`
  const lastLine = output.trimEnd().split('\n').at(-1) ?? ''
  return { code: done.status, lastLine, output }
}

describe('the test runner', () => {
  it('ends with a plain line when all is well', (context) => {
    const files = { 'test/unit/a.test.ts': '', 'build/test/unit/a.test.js': PASSING }
    const { code, lastLine } = runTests(context, files, 'unit')
    assert.equal(lastLine, 'tests passed: 1 of 1 tests passed in 1 files, 0 skipped')
    assert.equal(code, 0)
  })

  it('fails when a test fails', (context) => {
    const files = { 'test/unit/a.test.ts': '', 'build/test/unit/a.test.js': FAILING }
    const { code, lastLine } = runTests(context, files, 'unit')
    assert.equal(lastLine, 'tests failed: 0 of 1 tests passed in 1 files')
    assert.equal(code, 1)
  })

  it('ends a file that does not end after its tests, and says what it has left open', (context) => {
    const files = { 'test/unit/a.test.ts': '', 'build/test/unit/a.test.js': FORGETFUL }
    const { code, output } = runTests(context, files, 'unit')
    assert.match(output, /a\.test\.js are over, but it holds: .*TCPServerWrap/)
    assert.equal(code, 1)
  })

  it('ends a file at once when a hook fails, and what it had started by then', (context) => {
    const files = { 'test/unit/a.test.ts': '', 'build/test/unit/a.test.js': STARTED_BY_HALF }
    const { code, output } = runTests(context, files, 'unit', NEVER_MS)
    assert.match(output, /a hook of .*a\.test\.js failed, .*the second did not start/)
    assert.match(output, /closed what is outside/)
    assert.match(output, /closed what comes behind/)
    assert.doesNotMatch(output, /ran without the parts|ran afterwards/)
    const program = Number(/program (\d+)\./.exec(output)?.[1])
    assert.throws(() => process.kill(program, 0), { code: 'ESRCH' })
    assert.equal(code, 1)
  })

  it('ends a file whose time is up with a stopped program that holds its output', (context) => {
    const files = { 'test/unit/a.test.ts': '', 'build/test/unit/a.test.js': STUCK }
    const { code, output } = runTests(context, files, 'unit', NEVER_MS, 3_000)
    assert.match(output, /test timed out after 3000ms/)
    const program = Number(/program (\d+)\./.exec(output)?.[1])
    assert.throws(() => process.kill(program, 0), { code: 'ESRCH' })
    assert.equal(code, 1)
  })

  it('ends a file at once when a hook that closes things fails', (context) => {
    const files = { 'test/unit/a.test.ts': '', 'build/test/unit/a.test.js': ENDED_BADLY }
    const { code, output } = runTests(context, files, 'unit', NEVER_MS)
    assert.match(output, /a hook of .*a\.test\.js failed, .*the first did not stop/)
    assert.match(output, /closed what comes behind/)
    assert.equal(code, 1)
  })

  it('fails when fewer tests passed than there are known to be', (context) => {
    const files = { 'test/unit/a.test.ts': '', 'build/test/unit/a.test.js': PASSING }
    const { code, lastLine } = runTests(context, files)
    assert.match(lastLine, /1 of 1 tests passed in 1 files, at least 2 were expected$/)
    assert.equal(code, 1)
  })

  it('fails when a test was not compiled, or there is none at all', (context) => {
    const notCompiled = runTests(context, { 'test/unit/a.test.ts': '' }, 'unit')
    assert.match(notCompiled.lastLine, /^tests failed: not compiled/)
    assert.equal(notCompiled.code, 1)
    const none = runTests(context, { 'test/unit/a.test.ts': '' }, 'elsewhere')
    assert.equal(none.lastLine, 'tests failed: no test files')
    assert.equal(none.code, 1)
  })

  it('leaves alone what was compiled from a test that is gone', (context) => {
    const files = {
      'test/unit/a.test.ts': '',
      'build/test/unit/a.test.js': PASSING,
      'build/test/unit/gone.test.js': FAILING,
    }
    const { code } = runTests(context, files, 'unit')
    assert.equal(code, 0)
  })
})
