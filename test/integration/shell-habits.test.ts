/** Commands in the company that operators put them in: a pipe that is closed early, and npm. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { LEAST_CONFIGURATION } from '../support/configuration-text.ts'
import { eventually } from '../support/eventually.ts'
import { reservePort } from '../support/reserved-port.ts'

const PROGRAM = fileURLToPath(new URL('../../src', import.meta.url))
const MAIN = join(PROGRAM, 'main.js')
const ROOT = fileURLToPath(new URL('../../../package.json', import.meta.url))
const DEADLINE_MS = 20_000

let directory = ''
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-habits-'))
  writeFileSync(join(directory, 'good.yaml'), LEAST_CONFIGURATION)
  writeFileSync(join(directory, 'bad.yaml'), 'server: { port: x }\nroutes: 1\n')
})
after(() => rmSync(directory, { recursive: true }))

/**
 * Runs a command both of whose outputs go to a pipe that has no reader from the first moment.
 *
 * @returns What the command told the shell.
 */
async function intoClosedPipe(words: string): Promise<string> {
  const script = `exec 3>"$0"; (sleep 0.1; "$1" "$2" ${words}; echo $? >&3) 2>&1 | true`
  const file = join(directory, `exit-code ${words}`.replaceAll(/[^a-z]/g, '-'))
  const shell = spawn('sh', ['-c', script, file, process.execPath, MAIN], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
  })
  let said = ''
  for (const stream of [shell.stdout, shell.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk
    })
  }
  await once(shell, 'close')
  assert.equal(said, '', 'nothing is said on the way out')
  return readFileSync(file, 'utf8').trim()
}

describe('a command whose reader has gone', { concurrency: true }, () => {
  for (const [words, exitCode] of [
    ['--help', '0'],
    ['--version', '0'],
    ['frobnicate', '2'],
    ['check --config good.yaml', '0'],
    ['check --config good.yaml --online', '1'],
    ['check --config bad.yaml', '2'],
    ['serve --config bad.yaml', '2'],
    ['health --config bad.yaml', '1'],
  ] as const) {
    it(`ends as it would have ended: ${words}`, async () => {
      assert.equal(await intoClosedPipe(words), exitCode)
    })
  }
})

/** The last step of `npm start`, by npm itself: what it builds first is built already. */
function npmStart(test: TestContext, environment: Readonly<Record<string, string>>) {
  const { scripts } = JSON.parse(readFileSync(ROOT, 'utf8')) as {
    readonly scripts: { readonly start: string }
  }
  const start = scripts.start.replace(/^npm run build && /, '')
  assert.notEqual(start, scripts.start)
  const manifest = { name: 'sallyport', version: '1.0.0', type: 'module', scripts: { start } }
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest))
  symlinkSync(PROGRAM, join(directory, 'dist'))
  const npm = spawn('npm', ['start'], {
    cwd: directory,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  // With all that it started, which is the point of the test.
  test.after(() => {
    try {
      process.kill(-(npm.pid ?? 0), 'SIGKILL')
    } catch {
      // Everything has ended, as it should.
    }
  })
  return npm
}

async function isTaken(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(true))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve(false))
    })
  })
}

function outputOf(child: ChildProcess): () => string {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  }
  return () => output
}

describe('npm start under a supervisor', () => {
  it('ends the gateway when npm is told to end', async (test) => {
    const port = await reservePort()
    const npm = npmStart(test, {
      SALLYPORT_DEMO_PORT: String(port),
      SALLYPORT_DEMO_ADMIN_PORT: String(await reservePort()),
      SALLYPORT_LISTENER_THREADS: '1',
    })
    const output = outputOf(npm)
    const ended = once(npm, 'close') as Promise<[number | null, NodeJS.Signals | null]>
    await eventually('the tour is printed', () => /^curl .*\/metrics/m.test(output()))
    assert.equal(await isTaken(port), true)
    process.kill(npm.pid ?? 0, 'SIGTERM')
    // Its standard output is closed as soon as neither npm nor the gateway has it any more.
    const [exitCode, signal] = await ended
    assert.deepEqual([exitCode, signal], [0, null], output())
    assert.equal(await isTaken(port), false)
  })
})
