/** What may be written about how an issuer is reached, and what becomes of it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { ISSUERS, parseText, problemLinesOf } from '../support/configuration-text.ts'
import { OTHER_CERTIFICATE, SELF_SIGNED_CERTIFICATE } from '../support/self-signed-certificate.ts'

const directory = mkdtempSync(join(tmpdir(), 'sallyport-path-'))
after(() => rmSync(directory, { recursive: true }))
const FILES = {
  'ca.pem': OTHER_CERTIFICATE.cert,
  'cert.pem': SELF_SIGNED_CERTIFICATE.cert,
  'key.pem': SELF_SIGNED_CERTIFICATE.key,
  'other-key.pem': OTHER_CERTIFICATE.key,
  token: 'a-token\n',
  'two-lines': 'a\r\nX-Injected: b',
  empty: '\n',
  proxy: 'http://gate:hunter2@squid.corp.example:3128\n',
}
for (const [name, text] of Object.entries(FILES)) writeFileSync(join(directory, name), text)

const HTTPS_PROXY = 'http://environment.example:3128'
const SURROUNDINGS = { directory, environment: { HTTPS_PROXY, NO_PROXY: '.corp.example' } }
const AT = 'issuers.main'

/** JSON is YAML. */
function withIssuer(issuer: object, jwks: object = {}): string {
  const main = { ...ISSUERS.main, ...issuer, jwks: { ...ISSUERS.main.jwks, ...jwks } }
  return JSON.stringify({
    issuers: { main },
    upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
    routes: [{ name: 'a', match: { path: '/a' }, upstream: 'users', authenticate: ['jwt'] }],
  })
}

function problems(issuer: object, jwks: object = {}): readonly string[] {
  return problemLinesOf(withIssuer(issuer, jwks), SURROUNDINGS)
}

function resolved(issuer: object, jwks: object = {}) {
  const [main] = parseText(withIssuer(issuer, jwks), SURROUNDINGS).issuers
  assert.ok(main?.keys.kind === 'jwks')
  return { ...main.path, fields: main.keys.fields }
}

describe('issuers.<name>.tls', () => {
  it('has authorities, and a certificate with its key', () => {
    const tls = { caFile: 'ca.pem', certFile: 'cert.pem', keyFile: 'key.pem' }
    const { ca, certificate, key } = resolved({ tls })
    assert.equal(ca, FILES['ca.pem'])
    assert.deepEqual([certificate, key], [FILES['cert.pem'], FILES['key.pem']])
  })

  it('is refused by halves, with another key, and without certificates in its files', () => {
    const half = `${AT}.tls.keyFile is required with certFile`
    assert.deepEqual(problems({ tls: { certFile: 'cert.pem' } }), [half])
    const other = `${AT}.tls.certFile is required with keyFile`
    assert.deepEqual(problems({ tls: { keyFile: 'key.pem' } }), [other])
    const [mixed] = problems({ tls: { certFile: 'cert.pem', keyFile: 'other-key.pem' } })
    assert.match(mixed ?? '', /tls\.keyFile holds a key that does not belong to the certificate/)
    const [none] = problems({ tls: { caFile: 'token' } })
    assert.equal(none, `${AT}.tls.caFile holds no PEM certificate`)
    const [absent] = problems({ tls: { caFile: 'absent' } })
    assert.match(absent ?? '', /tls\.caFile names a file that cannot be read \(ENOENT\)/)
  })
})

describe('issuers.<name>.proxy', () => {
  it('wins over the environment, for every host', () => {
    const { proxies } = resolved({})
    const noProxy = [{ kind: 'host', host: 'corp.example', port: null }]
    assert.deepEqual(proxies, { https: HTTPS_PROXY, http: null, noProxy })
    const squid = 'http://squid.corp.example:3128'
    const own = { https: squid, http: squid, noProxy: [] }
    assert.deepEqual(resolved({ proxy: squid }).proxies, own)
    const none = { https: null, http: null, noProxy: [] }
    assert.deepEqual(resolved({ proxy: 'none' }).proxies, none)
    const ofFile = resolved({ proxyFile: 'proxy' }).proxies
    assert.equal(ofFile.https, 'http://gate:hunter2@squid.corp.example:3128')
  })

  it('is refused without a word of its password', () => {
    const refused = problems({ proxy: 'socks5://gate:hunter2@squid:1080' }).join()
    assert.match(refused, /issuers\.main\.proxy must be the URL of an HTTP proxy/)
    assert.doesNotMatch(refused, /hunter2/)
    const [both] = problems({ proxy: 'none', proxyFile: 'proxy' })
    assert.equal(both, `${AT}.proxyFile cannot be combined with proxy`)
  })
})

describe('issuers.<name>.jwks.headers', () => {
  it('are values, and files with what stands before their text', () => {
    const file = { file: 'token', prefix: 'Bearer ' }
    assert.deepEqual(resolved({}, { headers: { 'X-Tenant': 'a b', Authorization: file } }).fields, [
      { name: 'x-tenant', prefix: '', value: 'a b', file: null },
      { name: 'authorization', prefix: 'Bearer ', value: null, file: join(directory, 'token') },
    ])
  })

  const AT_HEADERS = `${AT}.jwks.headers`
  for (const name of ['Host', 'Content-Length', 'Proxy-Authorization', 'Accept-Encoding']) {
    it(`refuse ${name}, which is not theirs`, () => {
      const [problem] = problems({}, { headers: { [name]: 'x' } })
      assert.match(problem ?? '', /must be a header name of letters, digits and -/)
    })
  }

  it('refuse names and values that would be more than one field', () => {
    const injected = problems({}, { headers: { Authorization: 'a\r\nX-Injected: secret' } })
    const printable = 'must be printable ASCII, without spaces at its ends'
    assert.deepEqual(injected, [`${AT_HEADERS}.Authorization ${printable}`])
    assert.ok(problems({}, { headers: { 'X-A:': 'x' } }).length > 0)
    const twice = problems({}, { headers: { 'X-A': 'x', 'x-a': 'y' } })
    assert.deepEqual(twice, [`${AT_HEADERS}.x-a is written twice, in another case`])
    for (const file of ['two-lines', 'empty']) {
      const [problem] = problems({}, { headers: { 'X-A': { file } } })
      const what = 'names a file that holds nothing, or what no header may'
      assert.equal(problem, `${AT_HEADERS}.X-A.file ${what}`)
    }
  })

  it('are for what is fetched', () => {
    const jwks = { uri: null, file: 'token', headers: { 'X-A': 'x' } }
    const [problem] = problems({}, jwks)
    assert.equal(problem, `${AT_HEADERS} is for uri and discovery: a file is not asked for`)
  })
})
