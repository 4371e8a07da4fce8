/** What an installation brings on machines other than the one that this runs on. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { REPOSITORY_ROOT } from './repository.ts'

interface Platform {
  readonly os: string
  readonly cpu: string
  readonly libc?: string
  readonly packages: readonly string[]
}

interface Lock {
  readonly packages: Record<string, object>
}

const SCRIPT = join(REPOSITORY_ROOT, 'scripts', 'check-platforms.mjs')
const LOCK_FILE = join(REPOSITORY_ROOT, 'package-lock.json')
const { platforms } = JSON.parse(
  readFileSync(join(REPOSITORY_ROOT, 'scripts', 'platforms.json'), 'utf8'),
) as { readonly platforms: Readonly<Record<string, Platform>> }

let directory = ''

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-platforms-'))
  for (const file of ['package.json', 'package-lock.json']) {
    cpSync(join(REPOSITORY_ROOT, file), join(directory, file))
  }
})

after(() => {
  rmSync(directory, { recursive: true })
})

function checkPlatforms(lockFile: string) {
  const { status, stdout } = spawnSync(process.execPath, [SCRIPT, lockFile], { encoding: 'utf8' })
  return { status, lines: stdout.trimEnd().split('\n') }
}

describe('the lock file', () => {
  it('lists what every platform needs, and every optional package that another names', () => {
    const { status, lines } = checkPlatforms(LOCK_FILE)
    const incomplete = lines.filter((line) => !line.endsWith(': complete'))
    assert.deepEqual([status, incomplete], [0, []])
    assert.equal(lines.length, Object.keys(platforms).length)
  })

  it('is found incomplete when the binding of one platform is left out', () => {
    const lock = JSON.parse(readFileSync(LOCK_FILE, 'utf8')) as Lock
    delete lock.packages['node_modules/@node-rs/jsonwebtoken-linux-arm64-gnu']
    const file = join(directory, 'incomplete.json')
    writeFileSync(file, JSON.stringify(lock))
    const { status, lines } = checkPlatforms(file)
    assert.equal(status, 1)
    assert.ok(lines.includes('linux-arm64: missing @node-rs/jsonwebtoken-linux-arm64-gnu'))
    assert.ok(lines.includes('not in the lock file: @node-rs/jsonwebtoken-linux-arm64-gnu@0.5.9'))
  })

  for (const [name, { os, cpu, libc, packages }] of Object.entries(platforms)) {
    it(`has npm install them on ${name}`, () => {
      const target = [
        `--os=${os}`,
        `--cpu=${cpu}`,
        ...(libc === undefined ? [] : [`--libc=${libc}`]),
      ]
      const quiet = ['--ignore-scripts', '--no-audit', '--no-fund']
      const { stdout } = spawnSync(
        'npm',
        ['install', '--offline', '--dry-run', ...quiet, ...target],
        {
          cwd: directory,
          encoding: 'utf8',
        },
      )
      const added = stdout.split('\n').map((line) => line.split(' ')[1] ?? '')
      assert.deepEqual(
        packages.filter((wanted) => !added.includes(wanted)),
        [],
        stdout.slice(-500),
      )
    })
  }
})
