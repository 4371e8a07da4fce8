/** What a reload that is refused calls the settings that need a restart. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { restartSettings } from '../../src/config/restart-settings.ts'
import { readRepositoryFile } from '../architecture/repository.ts'
import { LEAST_CONFIGURATION, parseText } from '../support/configuration-text.ts'

const TEXT = 'a secret of forty characters and of more'

/** Everything that needs a restart, other than by default. */
function otherwise(directory: string): string {
  return `
server:
  engine: node
  host: 127.0.0.1
  port: 1
  keepHeaders: [download_uri]
  limits: { headers: 50, headerBytes: 2000, urlBytes: 100, bodyBytes: 1 }
  timeouts: { head: 1s, body: 1s, bodyMinRate: 1, request: 1s, stalledReader: 1s, keepAlive: 1s }
admin: { host: 127.0.0.2, port: 2, token: an-admin-token-0123456789 }
cache: { sizeMiB: 2 }
redis:
  nodes: ['127.0.0.1:1']
  username: user
  password: ${TEXT}
  connectTimeout: 1s
  commandTimeout: 1s
  recordBytes: 2048
  database: 1
revocation:
  { redis: true, capacity: 1000, spoolDirectory: ${directory}, beforeReady: serve, keyPrefix: 'r:' }
tenants: { resolve: [{ from: claim }], redis: true }
identity:
  strategy: internal-token
  internalToken:
    ttl: 100s
    keyRotation: 12h
    algorithm: EdDSA
    upstreamCacheTtl: 60s
    keySecret: ${TEXT}
    previousSecrets: [{ secret: another ${TEXT} }]
logging:
  level: error
  bufferKiB: 512
  webhook: { url: 'https://x.example/', secret: ${TEXT}, timeout: 1s, queueMax: 5, batchMax: 2 }
`
}

describe('Settings that need a restart', () => {
  it('are called as in the file, whatever they are resolved to', (test) => {
    const directory = mkdtempSync(join(tmpdir(), 'sallyport-restart-'))
    test.after(() => rmSync(directory, { recursive: true }))
    const least = parseText(LEAST_CONFIGURATION)
    const changed = parseText(LEAST_CONFIGURATION + otherwise(directory))
    const files = { strategy: 'internal-token', internalToken: { keyFiles: directory } }
    const withFiles = parseText(`${LEAST_CONFIGURATION}\nidentity: ${JSON.stringify(files)}\n`)
    const names = [
      ...restartSettings(least, changed),
      ...restartSettings(changed, least),
      ...restartSettings(least, withFiles),
    ]
    assert.ok(names.length > 60, names.join('\n'))
    for (const name of ['keySecret', 'previousSecrets', 'keyFiles', 'upstreamCacheTtl']) {
      assert.ok(names.includes(`identity.internalToken.${name}`), name)
    }
    const manual = readRepositoryFile('docs/configuration.md').text
    assert.deepEqual(
      names.filter((name) => !manual.includes(`| \`${name}\` |`)),
      [],
    )
  })
})
