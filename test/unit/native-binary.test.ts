import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { chooseNativeBinary, type NativeSystem } from '../../src/server/native-binary.ts'

const PACKAGE = dirname(createRequire(import.meta.url).resolve('uWebSockets.js'))
const ROOT = dirname(dirname(PACKAGE))
const SCRIPT = join(ROOT, 'scripts', 'prepare-native-server.mjs')
const BINARY = 'uws_linux_x64_115.node'
const PREPARED = 'uws_linux_x64_115.classic-glibc.node'

let directory = ''

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-native-'))
})

after(() => rmSync(directory, { recursive: true }))

function on(system: Partial<NativeSystem>): NativeSystem {
  const linux = { platform: 'linux', architecture: 'x64', abi: '115', glibc: '2.36', directory }
  return { ...linux, ...system }
}

function choose(system: Partial<NativeSystem>, allowUnknown = false) {
  return chooseNativeBinary({ allowUnknown, headBytesMax: 32_768, system: on(system) })
}

function runScript(...options: string[]): string {
  const values = ['--directory', directory, ...options]
  return execFileSync(process.execPath, [SCRIPT, ...values], { encoding: 'utf8' })
}

function sha256(file: string): string {
  return createHash('sha256')
    .update(readFileSync(join(directory, file)))
    .digest('hex')
}

describe('the native server on a glibc older than it was linked against', () => {
  it('is not started before it is prepared, and the message says how to', () => {
    copyFileSync(join(PACKAGE, BINARY), join(directory, BINARY))
    assert.throws(
      () => choose({}),
      (error) => error instanceof Error && error.message.endsWith(`run: node ${SCRIPT}`),
    )
  })

  it('is prepared once, with the SHA-256 that is known', () => {
    const options = ['--glibc', '2.36', '--arch', 'x64', '--abi', '115']
    assert.match(runScript(...options), /prepared uws_linux_x64_115\.classic-glibc\.node/)
    assert.equal(runScript(...options), '')
    assert.equal(
      sha256(PREPARED),
      '8b6e84640fd437f4dd6316b62bb11d727c6ffe38a38bac024daf6066be401ba6',
    )
    assert.equal(sha256(BINARY), '3c4cfd4f4673c591dbca82cdda94f7e0ad9bc298966c39a7bd259838c2b25d4f')
    assert.deepEqual(readdirSync(directory).sort(), [PREPARED, BINARY])
  })

  it('is then the prepared copy, named with release and commit', () => {
    const binary = choose({})
    assert.equal(binary.kind, 'prepared')
    assert.equal(binary.file, join(directory, PREPARED))
    assert.equal(binary.version, '20.56.0')
    assert.match(binary.sourceCommit ?? '', /^[0-9a-f]{40}$/)
  })

  it('is prepared for every Node.js and processor that there is a Linux binary for', () => {
    for (const architecture of ['x64', 'arm64']) {
      for (const abi of ['115', '127', '137', '141']) {
        const name = `uws_linux_${architecture}_${abi}.node`
        copyFileSync(join(PACKAGE, name), join(directory, name))
        runScript('--glibc', '2.37', '--arch', architecture, '--abi', abi)
        assert.equal(choose({ architecture, abi, glibc: '2.37' }).kind, 'prepared')
      }
    }
  })

  it('cannot be prepared below glibc 2.36, and the script says so without failing', () => {
    assert.match(runScript('--glibc', '2.35'), /^sallyport: native server: glibc 2\.35 is too old/)
    assert.throws(() => choose({ glibc: '2.35' }), /glibc 2\.35 is too old/)
  })
})

describe('the choice of the native server', () => {
  it('is the original on newer systems, which the script leaves alone', () => {
    rmSync(join(directory, PREPARED))
    assert.equal(runScript('--glibc', '2.38', '--arch', 'x64', '--abi', '115'), '')
    assert.ok(!existsSync(join(directory, PREPARED)))
    const binary = choose({ glibc: '2.41' })
    assert.equal(binary.kind, 'original')
    assert.equal(binary.file, join(directory, BINARY))
    assert.equal(choose({ platform: 'darwin', glibc: null, directory: PACKAGE }).kind, 'original')
  })

  it('is refused, with one message, where there is none', () => {
    assert.throws(() => choose({ abi: '999', glibc: '2.41' }), /no native server for linux x64/)
    assert.throws(() => choose({ glibc: null }), /needs glibc/)
    assert.match(runScript('--glibc', '2.36', '--abi', '999'), /no native server for this Node/)
  })

  it('does not fall on a file that was changed, unless the operator insists', () => {
    appendFileSync(join(directory, BINARY), 'x')
    assert.throws(() => choose({ glibc: '2.41' }), /not a known build/)
    const binary = choose({ glibc: '2.41' }, true)
    assert.equal(binary.kind, 'unknown')
    assert.equal(binary.version, null)
    const line = runScript('--glibc', '2.36', '--arch', 'x64', '--abi', '115')
    assert.match(line, /not the known build/)
    assert.ok(!existsSync(join(directory, PREPARED)))
  })
})
