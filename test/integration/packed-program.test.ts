/** The package as `npm pack` makes it, installed in an empty folder and run from there. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { REPOSITORY_ROOT } from '../architecture/repository.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { exchangeRaw } from '../support/raw-http.ts'
import { reservePort } from '../support/reserved-port.ts'
import { SpawnedCommand } from '../support/spawned-command.ts'

/** What was compiled with this test, in place of `dist`. */
const COMPILED = fileURLToPath(new URL('../../src', import.meta.url))
/** Read besides the program when a package is made. */
const FILES = ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'scripts']
/** The registry cannot be reached; everything else that goes wrong is a failure. */
const NO_REGISTRY = /\b(?:EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|ENETUNREACH)\b/
const QUIET = ['--no-audit', '--no-fund', '--prefer-offline']
const INSTALL_MS_MAX = 120_000

let directory = ''
let empty = ''
let packed: readonly string[] = []
/** Why the package could not be installed here. */
let problem: string | null = null

function npm(folder: string, ...words: readonly string[]) {
  const options = { cwd: folder, encoding: 'utf8', timeout: INSTALL_MS_MAX } as const
  return spawnSync('npm', words, options)
}

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-packed-'))
  const project = join(directory, 'project')
  empty = join(directory, 'empty')
  for (const folder of [project, empty]) mkdirSync(folder)
  for (const file of FILES) {
    cpSync(join(REPOSITORY_ROOT, file), join(project, file), { recursive: true })
  }
  cpSync(COMPILED, join(project, 'dist'), { recursive: true })
  // Compiled already, and tests that run at the same time use it.
  const { stdout, stderr, status } = npm(project, 'pack', '--json', '--ignore-scripts')
  assert.equal(status, 0, stderr)
  const [made] = JSON.parse(stdout) as {
    readonly filename: string
    readonly files: readonly { readonly path: string }[]
  }[]
  packed = made?.files.map(({ path }) => path) ?? []
  const installed = npm(empty, 'install', ...QUIET, join(project, made?.filename ?? ''))
  if (installed.status !== 0 && NO_REGISTRY.test(installed.stderr)) {
    problem = 'NOT TESTED: its dependencies cannot be fetched here'
  } else assert.equal(installed.status, 0, installed.stderr)
})

after(() => rmSync(directory, { recursive: true }))

/** The program that npm has put there. */
function installedProgram(): string {
  const link = join(empty, 'node_modules', 'sallyport')
  const { bin } = JSON.parse(readFileSync(join(link, 'package.json'), 'utf8')) as {
    readonly bin: { readonly sallyport: string }
  }
  return join(link, bin.sallyport)
}

describe('the package', () => {
  it('holds the program and what its installation runs, no sources and no tests', () => {
    assert.ok(packed.includes('dist/main.js'), packed.join('\n'))
    for (const name of ['prepare-native-server.mjs', 'native-server-binaries.json']) {
      assert.ok(packed.includes(`scripts/${name}`))
    }
    const strange = packed.filter((path) => !/^dist\/.+\.js$|^scripts\/|^[^/]+$/.test(path))
    assert.deepEqual(strange, [])
    assert.deepEqual(
      packed.filter((path) => /test|bench/i.test(path)),
      [],
    )
  })

  it('runs from an empty folder: version, check, and a gateway that is alive', async (test) => {
    if (problem !== null) return test.skip(problem)
    const link = join(empty, 'node_modules', '.bin', 'sallyport')
    const version = spawnSync(link, ['--version'], { cwd: empty, encoding: 'utf8' })
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/)
    const port = await reservePort()
    const upstream = ['http://127.0.0.1:9']
    const file = join(empty, 'gateway.yaml')
    writeFileSync(file, gatewayText({ upstream, server: { host: '127.0.0.1', port } }))
    const checked = spawnSync(link, ['check', '--config', file], { cwd: empty, encoding: 'utf8' })
    assert.equal(checked.status, 0, checked.stderr)
    const gateway = new SpawnedCommand(['serve', '--config', file], {}, installedProgram())
    test.after(() => gateway.kill())
    await gateway.logged('listening')
    const answer = await exchangeRaw(port, 'GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n')
    assert.match(answer.text, /^HTTP\/1\.1 200 OK\r\n/)
    gateway.signal('SIGTERM')
    assert.deepEqual(await gateway.ended(), { exitCode: 0, signal: null })
  })
})
