/** Which configurations may start with which copies of keys on disk. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { keyCopyOf } from '../../src/threads/key-source.ts'
import { CertificateAuthority } from '../support/certificate-authority.ts'
import { parseText } from '../support/configuration-text.ts'

const authority = new CertificateAuthority()
const issued = ['orders', 'orders', 'billing'].map((name) => authority.issue(`DNS:${name}.test`))

let directory = ''

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-copies-'))
  writeFileSync(join(directory, 'ca.pem'), authority.certificate)
  writeFileSync(join(directory, 'other.pem'), new CertificateAuthority().certificate)
  for (const [index, { cert, key }] of issued.entries()) {
    writeFileSync(join(directory, `${index}.crt`), cert)
    writeFileSync(join(directory, `${index}.key`), key)
  }
  for (const name of ['token', 'token-2']) writeFileSync(join(directory, name), name)
})
after(() => rmSync(directory, { recursive: true }))

const certificate = (index: number) => ({ certFile: `${index}.crt`, keyFile: `${index}.key` })

const MAIN = {
  issuer: 'https://idp.example.com/',
  audiences: ['api'],
  tls: { caFile: 'ca.pem', ...certificate(0) },
  jwks: { uri: 'https://idp.example.com/keys', headers: { 'X-Tenant': 'a' } },
}

function copyOf(members: object = {}, name = 'main'): string {
  const text = JSON.stringify({
    issuers: { [name]: { ...MAIN, ...members } },
    upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
    routes: [{ name: 'users', match: { path: '/*' }, upstream: 'users' }],
  })
  const [issuer] = parseText(text, { directory }).issuers
  assert.ok(issuer !== undefined)
  return keyCopyOf(issuer)
}

const jwks = (members: object) => ({ jwks: { ...MAIN.jwks, ...members } })
const header = (value: unknown) => jwks({ headers: { Authorization: value } })

describe('a copy of keys on disk', () => {
  it('is for the configuration that it was made by, after every restart', () => {
    assert.equal(copyOf(), copyOf())
    assert.equal(copyOf(header({ file: 'token' })), copyOf(header({ file: 'token' })))
  })

  const same: readonly (readonly [string, object])[] = [
    ['other times', jwks({ cacheTtl: '1h', refreshInterval: '5m', staleMaxAge: '24h' })],
    ['another audience', { audiences: ['billing'] }],
    [
      'a certificate that was renewed, as by cert-manager',
      { tls: { ...MAIN.tls, ...certificate(1) } },
    ],
    ['a proxy', { proxy: 'http://proxy.example.com:3128' }],
  ]
  for (const [name, members] of same) {
    it(`serves one with ${name}`, () => assert.equal(copyOf(members), copyOf()))
  }

  const other: readonly (readonly [string, object])[] = [
    ['other authorities', { tls: { ...MAIN.tls, caFile: 'other.pem' } }],
    ['the usual authorities', { tls: certificate(0) }],
    ['a certificate of another client', { tls: { ...MAIN.tls, ...certificate(2) } }],
    ['no certificate', { tls: { caFile: 'ca.pem' } }],
    ['another value of a header', jwks({ headers: { 'X-Tenant': 'b' } })],
    ['another header', jwks({ headers: { 'X-Realm': 'a' } })],
    ['no headers', jwks({ headers: {} })],
    ['a header from a file', header({ file: 'token' })],
    ['another URL', jwks({ uri: 'https://idp.example.com/other' })],
    ['another issuer', { issuer: 'https://idp.example.com/other' }],
    ['other algorithms', { algorithms: ['ES256'] }],
  ]
  for (const [name, members] of other) {
    it(`serves none with ${name}`, () => assert.notEqual(copyOf(members), copyOf()))
  }

  it('serves none with a header from another file, and no issuer of another name', () => {
    assert.notEqual(copyOf(header({ file: 'token' })), copyOf(header({ file: 'token-2' })))
    assert.notEqual(copyOf({}, 'other'), copyOf())
  })
})
