/** A disk that hangs: a named pipe in place of a file, which blocks until someone writes to it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { DiskCache } from '../../src/keys/disk-cache.ts'
import { fileSource, uriSource } from '../../src/keys/jwks-source.ts'
import type { KeyRequestField } from '../../src/keys/key-access.ts'
import { withinDeadline } from '../../src/resilience/deadline.ts'
import { OutboundHttp } from '../../src/resilience/outbound-http.ts'
import { keyCopyOf } from '../../src/threads/key-source.ts'
import { parseText } from '../support/configuration-text.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { es256Jwk } from '../support/key-documents.ts'
import { serveGateway } from '../support/served-gateway.ts'

/** More than Node has threads for files and names. */
const ATTEMPTS = 8
const ATTEMPT_MS = 20
const DEADLINE_MS = 3_000

let directory = ''

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-hang-'))
})

after(() => rmSync(directory, { recursive: true }))

function createHangingFile(path: string): void {
  execFileSync('mkfifo', ['-m', '600', path])
}

/** The disk answers again, with nothing. */
async function release(path: string, done: () => boolean): Promise<void> {
  while (!done()) {
    const writer = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    await delay(10)
    closeSync(writer)
    await delay(10)
  }
}

function copyName(copyOf: string): string {
  return `jwks-${createHash('sha256').update(copyOf).digest('hex')}.json`
}

function tokenField(file: string): KeyRequestField {
  return { name: 'authorization', prefix: 'Bearer ', value: null, file }
}

/** Whether the threads that look up names and read files have one that is free. */
function hasFreeThread(): Promise<boolean> {
  const looked = stat(directory).then(() => true)
  return withinDeadline(looked, DEADLINE_MS, false)
}

describe('a disk that hangs', () => {
  it('leaves threads for everything else when a key file is read again and again', async () => {
    const path = join(directory, 'keys.json')
    createHangingFile(path)
    const source = fileSource(path)
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      assert.equal((await source.fetchDocument(ATTEMPT_MS)).ok, false)
    }
    const isFree = await hasFreeThread()
    let isDone = false
    void source.fetchDocument(DEADLINE_MS * 10).then(() => {
      isDone = true
    })
    await release(path, () => isDone)
    assert.ok(isFree)
  })

  it('fails alone: keys of other issuers are fetched, and read from files, meanwhile', async (test) => {
    const provider = await FaultyServer.start()
    const http = new OutboundHttp({ connectionsPerOrigin: 4 })
    test.after(() => Promise.all([http.close(), provider.down()]))
    const file = (name: string) => join(directory, name)
    createHangingFile(file('mounted-token'))
    writeFileSync(file('token'), 'a-credential')
    writeFileSync(file('jwks.json'), provider.document)
    const access = (name: string) => ({ http, fields: [tokenField(file(name))] })
    const options = { uri: provider.jwksUri, allowInsecureHttp: false }
    const hanging = uriSource(options, access('mounted-token'))
    // Each attempt is given up, and the next one asks for the same file.
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const fetched = await hanging.fetchDocument(ATTEMPT_MS)
      assert.equal(!fetched.ok && fetched.reason, 'headers_unreadable')
    }
    const others = [uriSource(options, access('token')), fileSource(file('jwks.json'))]
    const fetched = await Promise.all(others.map((source) => source.fetchDocument(DEADLINE_MS)))
    const isFree = await hasFreeThread()
    let isDone = false
    void hanging.fetchDocument(DEADLINE_MS * 10).then(() => {
      isDone = true
    })
    await release(file('mounted-token'), () => isDone)
    assert.deepEqual(
      fetched.map(({ ok }) => ok),
      [true, true],
    )
    assert.ok(isFree)
  })

  it('leaves threads for everything else when many issuers have copies there', async () => {
    const issuers = Array.from({ length: ATTEMPTS }, (_, number) => `issuer-${number}`)
    const paths = issuers.map((issuer) => join(directory, copyName(issuer)))
    for (const path of paths) createHangingFile(path)
    const caches = issuers.map((issuer) => new DiskCache(directory, issuer))
    let done = 0
    for (const cache of caches) {
      void cache.load().then(() => {
        done += 1
      })
    }
    await delay(ATTEMPT_MS)
    const isFree = await hasFreeThread()
    await Promise.all(paths.map((path) => release(path, () => done === ATTEMPTS)))
    assert.ok(isFree)
  })

  it('has only the newest copy waiting, and writes it when it answers again', async () => {
    const path = join(directory, copyName('main'))
    createHangingFile(path)
    const cache = new DiskCache(directory, 'main')
    const loading = cache.load()
    let isLoaded = false
    void loading.then(() => {
      isLoaded = true
    })
    await delay(ATTEMPT_MS)
    const saves = Array.from({ length: 100 }, (_, number) => {
      return cache.save(Buffer.from(`document ${number}`), number)
    })
    assert.equal(new Set(saves).size, 1)
    await release(path, () => isLoaded)
    assert.equal(await saves[0], true)
    const copy = await cache.load()
    assert.ok(copy.ok)
    assert.equal(Buffer.from(copy.document).toString(), 'document 99')
  })

  it('does not keep a gateway from serving and from ending', async (test) => {
    const provider = await FaultyServer.start()
    test.after(() => provider.down())
    provider.publish(es256Jwk('one'))
    const uri = `${provider.origin}/jwks`
    const jwks = { uri, diskCache: directory, timeout: '1s' }
    const issuers = { main: { issuer: 'https://a.example.com/', audiences: ['api'], jwks } }
    const text = gatewayText({ upstream: ['http://127.0.0.1:9'], issuers, authenticate: ['jwt'] })
    const [issuer] = parseText(text).issuers
    assert.ok(issuer !== undefined)
    createHangingFile(join(directory, copyName(keyCopyOf(issuer))))
    const { command, port } = await serveGateway(test, text)
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`)
    assert.equal(answer.status, 200)
    command.signal('SIGTERM')
    // Exiting would wait for the disk: what is left is to be killed.
    const ended = await withinDeadline(command.ended(), DEADLINE_MS * 2, null)
    assert.notEqual(ended, null)
    assert.equal(command.logLine('stopped') !== null, true)
  })
})
