/** What an issuer's metadata may say about where its keys are. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  authorizationServerMetadataUrl,
  openidConfigurationUrl,
  readDiscoveryDocument,
} from '../../src/keys/discovery-document.ts'
import { isFetchableUrl } from '../../src/keys/fetchable-url.ts'

const ISSUER = 'https://idp.example/tenant'

function read(
  metadata: unknown,
  issuer = ISSUER,
  allowInsecureHttp = false,
  template: string | null = null,
) {
  const document = Buffer.from(JSON.stringify(metadata))
  return readDiscoveryDocument(document, { issuer, template }, allowInsecureHttp)
}

describe('metadata of an issuer with a placeholder', () => {
  const template = 'https://login.microsoftonline.com/{tid}/v2.0'
  const common = 'https://login.microsoftonline.com/common/v2.0'
  const jwks_uri = 'https://login.microsoftonline.com/common/discovery/v2.0/keys'
  const of = (issuer: unknown, own: string | null = template) =>
    read({ issuer, jwks_uri }, common, false, own).ok

  it('may name the template, as Entra ID does for all tenants, or the issuer asked for', () => {
    assert.ok(of('https://login.microsoftonline.com/{tenantid}/v2.0'))
    assert.ok(of(common))
  })

  it('are refused when they name another template, another tenant or none', () => {
    const foreign = [
      'https://login.microsoftonline.com/{tenantid}/v2.0/',
      'https://login.microsoftonline.com.evil.test/{tenantid}/v2.0',
      'https://login.microsoftonline.com/{a}{b}/v2.0',
      'https://login.microsoftonline.com/{}/v2.0',
      'https://login.microsoftonline.com/contoso/v2.0',
      ['https://login.microsoftonline.com/{tenantid}/v2.0'],
      null,
    ]
    for (const issuer of foreign) assert.ok(!of(issuer), String(issuer))
  })

  it('may not name a template where the issuer is written out', () => {
    assert.ok(!of('https://login.microsoftonline.com/{tenantid}/v2.0', null))
  })
})

describe('location of metadata (OIDC Discovery §4, RFC 8414 §3.1)', () => {
  it('is below the issuer, without doubling its trailing slash', () => {
    const expected = 'https://idp.example/tenant/.well-known/openid-configuration'
    assert.equal(openidConfigurationUrl(ISSUER), expected)
    assert.equal(openidConfigurationUrl(`${ISSUER}/`), expected)
  })

  it('is between host and path for an authorization server', () => {
    const expected = 'https://idp.example/.well-known/oauth-authorization-server/tenant'
    assert.equal(authorizationServerMetadataUrl(ISSUER), expected)
    assert.equal(authorizationServerMetadataUrl('not a URL'), null)
  })
})

describe('metadata documents (OIDC Discovery §4.3)', () => {
  const jwksUri = 'https://keys.example/jwks'

  it('gives the jwks_uri of exactly the configured issuer', () => {
    assert.deepEqual(read({ issuer: ISSUER, jwks_uri: jwksUri }), {
      ok: true,
      jwksUri,
      claimsSupported: null,
    })
  })

  it('refuses metadata that speak for another issuer, by so much as a slash', () => {
    for (const issuer of [`${ISSUER}/`, 'https://idp.example/other', [ISSUER]]) {
      const outcome = read({ issuer, jwks_uri: jwksUri })
      assert.deepEqual(outcome, { ok: false, reason: 'issuer_mismatch' })
    }
  })

  it('refuses what is not metadata', () => {
    const documents = [null, [], 'text', {}, { issuer: ISSUER }, { jwks_uri: jwksUri }]
    for (const metadata of [...documents, { issuer: ISSUER, jwks_uri: [jwksUri] }]) {
      assert.deepEqual(read(metadata), { ok: false, reason: 'bad_discovery_document' })
    }
  })

  it('is not sent from https to plain http, and least of all to a port of this machine', () => {
    for (const uri of ['http://idp.example/jwks', 'http://127.0.0.1:9090/', 'file:///etc/passwd']) {
      const outcome = read({ issuer: ISSUER, jwks_uri: uri })
      assert.deepEqual(outcome, { ok: false, reason: 'insecure_url' })
    }
  })

  it('may be plain http where the issuer is, on this machine', () => {
    const issuer = 'http://localhost:9000'
    const uri = 'http://localhost:9000/jwks'
    const outcome = read({ issuer, jwks_uri: uri }, issuer)
    assert.deepEqual(outcome, { ok: true, jwksUri: uri, claimsSupported: null })
  })

  it('tells the claims that the issuer supports, and is no worse for saying it in another way', () => {
    const supportedBy = (claims_supported: unknown) => {
      const outcome = read({ issuer: ISSUER, jwks_uri: 'https://keys.example/j', claims_supported })
      return outcome.ok ? outcome.claimsSupported : outcome.reason
    }
    assert.deepEqual(supportedBy(['sub', 'email']), ['sub', 'email'])
    assert.deepEqual(supportedBy(['sub', 7, null]), ['sub'])
    for (const none of [undefined, null, 'sub', { sub: true }, 7]) {
      assert.equal(supportedBy(none), null)
    }
  })
})

describe('URLs that keys may be fetched from', () => {
  it('are https, or loopback in any spelling', () => {
    const good = [
      'https://idp.example/',
      'http://localhost/',
      'http://127.9.9.9/',
      'http://[::1]:1/',
    ]
    for (const url of [...good, 'http://0x7f.1/']) assert.ok(isFetchableUrl(url, false), url)
  })

  it('are no plain http elsewhere unless that is allowed', () => {
    const bad = ['http://idp.example/', 'http://127.0.0.1.example/', 'http://localhost.example/']
    for (const url of bad) {
      assert.equal(isFetchableUrl(url, false), false)
      assert.equal(isFetchableUrl(url, true), true)
    }
  })

  it('have no other scheme, ever', () => {
    for (const url of ['file:///keys.json', 'ftp://127.0.0.1/', 'data:,{}', 'jwks', '']) {
      assert.equal(isFetchableUrl(url, true), false)
    }
  })
})
