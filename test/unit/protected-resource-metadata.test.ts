import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  metadataPath,
  metadataUrl,
  protectedResourceMetadata,
  resourceHost,
} from '../../src/protocol/protected-resource-metadata.ts'

const AUTHORIZATION = { kind: 'header', name: 'authorization', scheme: 'Bearer' } as const
const WELL_KNOWN = '/.well-known/oauth-protected-resource'

describe('the place of the metadata (RFC 9728 §3.1)', () => {
  const places = [
    ['https://api.example.com', WELL_KNOWN],
    ['https://api.example.com/', WELL_KNOWN],
    ['https://api.example.com/v1', `${WELL_KNOWN}/v1`],
    ['https://api.example.com/v1/', `${WELL_KNOWN}/v1/`],
  ] as const
  for (const [resource, path] of places) {
    it(`is ${path} for ${resource}`, () => {
      assert.equal(metadataPath(resource), path)
      assert.equal(metadataUrl(resource), `https://api.example.com${path}`)
    })
  }

  it('keeps the port in the URL, and knows the host without it', () => {
    const resource = 'https://API.example.com.:8443/v1'
    assert.equal(metadataUrl(resource), `https://api.example.com.:8443${WELL_KNOWN}/v1`)
    assert.equal(resourceHost(resource), 'api.example.com')
  })
})

describe('the metadata (RFC 9728 §2)', () => {
  it('names every issuer, scope and method once', () => {
    const text = protectedResourceMetadata({
      resource: 'https://api.example.com/v1',
      issuers: ['https://a.example.com/', 'https://b.example.com', 'https://a.example.com/'],
      scopes: ['read', 'write', 'read'],
      sources: [AUTHORIZATION, { kind: 'query', name: 'access_token' }, AUTHORIZATION],
    })
    assert.deepEqual(JSON.parse(text), {
      resource: 'https://api.example.com/v1',
      authorization_servers: ['https://a.example.com/', 'https://b.example.com'],
      scopes_supported: ['read', 'write'],
      bearer_methods_supported: ['header', 'query'],
    })
  })

  it('leaves out what would be empty, and what a client could not use (§3.2)', () => {
    const text = protectedResourceMetadata({
      resource: 'https://api.example.com',
      issuers: ['an issuer that is no URL'],
      scopes: [],
      sources: [
        { kind: 'cookie', name: 'access_token' },
        { kind: 'query', name: 'token' },
        { kind: 'header', name: 'x-token', scheme: 'Bearer' },
        { kind: 'header', name: 'authorization', scheme: 'Token' },
      ],
    })
    assert.deepEqual(JSON.parse(text), { resource: 'https://api.example.com' })
  })
})
