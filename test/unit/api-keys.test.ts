/** API keys of the configuration and of a store. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { storedUserOf } from '../../src/protocol/stored-user.ts'
import { EMPTY_IDENTITY, refuse, refuseNaming } from '../../src/protocol/verification.ts'
import { ApiKeyList } from '../../src/verifiers/api-key/api-key-list.ts'
import { type ApiKeyRecord, parseApiKeyRecord } from '../../src/verifiers/api-key/api-key-record.ts'
import { type ApiKeyStore, ApiKeyVerifier } from '../../src/verifiers/api-key/api-key-verifier.ts'

const NOW = 1_700_000_000
const RECORD = {
  ...storedUserOf(EMPTY_IDENTITY),
  userId: 'batch',
  scopes: ['read'],
  expiresAtSeconds: null,
  claims: {},
  allowFrom: [],
  denyFrom: [],
  rate: null,
}

function recordOf(text: string): ApiKeyRecord {
  const record = parseApiKeyRecord(text)
  assert.ok(!('kind' in record), JSON.stringify(record))
  return record
}

function reasonOf(text: string): string {
  const record = parseApiKeyRecord(text)
  return 'kind' in record ? record.reason : 'read'
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

function listOf(expiresAtSeconds: number | null) {
  return new ApiKeyList(new Map([[sha256('secret'), { ...RECORD, expiresAtSeconds }]]))
}

/** A store that holds these values, and says what it was asked for. */
function storeOf(values: Readonly<Record<string, string>>) {
  const asked: string[] = []
  const store: ApiKeyStore = {
    get(key) {
      asked.push(key)
      return Promise.resolve({ ok: true, value: values[key] ?? null })
    },
  }
  return { store, asked }
}

describe('a list of API keys', () => {
  it('knows a key by its digest, and gives the same verdict each time', () => {
    const list = listOf(null)
    const found = list.find('secret', NOW)
    assert.ok(found?.kind === 'verified')
    assert.equal(found.identity.subject, 'batch')
    assert.deepEqual(found.identity.scopes, ['read'])
    assert.equal(found.identity.expiresAtSeconds, null)
    assert.equal(list.find('secret', NOW + 1_000_000_000), found)
  })

  it('does not know any other text, its digest included', () => {
    for (const text of ['', 'Secret', 'secret ', 'secre', sha256('secret')]) {
      assert.equal(listOf(null).find(text, NOW), null, text)
    }
  })

  it('refuses a key in the very second in which it ends', () => {
    const list = listOf(NOW)
    assert.ok(list.find('secret', NOW - 1)?.kind === 'verified')
    assert.equal(list.find('secret', NOW), refuse('api_key_expired'))
  })
})

describe('a record of an API key', () => {
  it('is read with every member that there is', () => {
    const text = JSON.stringify({
      userId: 'u',
      email: 'e@example.com',
      roles: ['r'],
      scopes: ['s'],
      tenantId: 't',
      organisationId: 'o',
      expiresAt: '2027-01-31T00:00:00Z',
      allowFrom: ['203.0.113.0/24'],
      denyFrom: ['203.0.113.7', '::/0'],
      rateLimit: { rate: '5/m', burst: 2 },
      note: 'anything else is left alone',
    })
    assert.deepEqual(recordOf(text), {
      ...storedUserOf(EMPTY_IDENTITY),
      userId: 'u',
      email: 'e@example.com',
      roles: ['r'],
      scopes: ['s'],
      tenantId: 't',
      organisationId: 'o',
      expiresAtSeconds: 1_801_353_600,
      claims: undefined,
      rate: { count: 5, periodSeconds: 60, burst: 2 },
      allowFrom: ['203.0.113.0/24'],
      denyFrom: ['203.0.113.7', '::/0'],
    })
    const bare = recordOf('{"userId":"u","allowFrom":null}')
    assert.deepEqual([bare.allowFrom, bare.denyFrom], [[], []])
    assert.equal(recordOf('{"userId":"u","expiresAt":1.5e9}').expiresAtSeconds, 1.5e9)
  })

  it('is served as a later version wrote it, unless its version forbids that', () => {
    const later = '{"version":1,"userId":"u","owner":{"team":"billing"},"networks":["10.0.0.0/8"]}'
    assert.equal(recordOf(later).userId, 'u')
    for (const version of ['2', '"1"', '0', '[]']) {
      assert.equal(reasonOf(`{"version":${version},"userId":"u"}`), 'api_key_unreadable', version)
    }
  })

  it('is refused whole when a member is almost one that says from where the key may be used', () => {
    for (const name of [
      'allowfrom',
      'allow_From',
      'allowForm',
      'AllowFrom',
      'denyfrom',
      'denFrom',
    ]) {
      assert.equal(reasonOf(`{"userId":"u","${name}":[]}`), 'api_key_unreadable', name)
    }
  })

  it('is refused whole when a member has another type, is doubled or is missing', () => {
    for (const text of [
      '',
      'null',
      '[]',
      '"u"',
      '{}',
      '{"userId":""}',
      '{"userId":1}',
      '{"userId":"u","roles":{"admin":true}}',
      '{"userId":"u","scopes":[1]}',
      '{"userId":"u","scopes":[""]}',
      '{"userId":"u","tenantId":{}}',
      '{"userId":"u","email":false}',
      '{"userId":"u","organisationId":["o"]}',
      '{"userId":"u","expiresAt":"soon"}',
      '{"userId":"u","expiresAt":-1}',
      '{"userId":"u","expiresAt":true}',
      '{"userId":"u","allowFrom":"10.0.0.1"}',
      '{"userId":"u","allowFrom":[10]}',
      '{"userId":"u","allowFrom":["10.0.0.1/8"]}',
      '{"userId":"u","denyFrom":["10.0.0.0/33"]}',
      '{"userId":"u","denyFrom":{}}',
      '{"userId":"u","userId":"v"}',
      `{"userId":"${'u'.repeat(70_000)}"}`,
    ]) {
      assert.equal(reasonOf(text), 'api_key_unreadable', text.slice(0, 60))
    }
  })
})

describe('from where an API key may be used', () => {
  it('is beside its verdict, and only where the record says something about it', async () => {
    const record = { ...RECORD, denyFrom: ['192.0.2.1'] }
    const found = new ApiKeyList(new Map([[sha256('secret'), record]])).find('secret', NOW)
    assert.ok(found?.kind === 'verified')
    assert.deepEqual(found.terms?.denyFrom, ['192.0.2.1'])
    const open = listOf(null).find('secret', NOW)
    assert.ok(open?.kind === 'verified' && open.terms === null)
    const { store } = storeOf({ [sha256('k')]: '{"userId":"u","allowFrom":["192.0.2.1"]}' })
    const stored = await new ApiKeyVerifier(store, '').verify('k', NOW)
    assert.ok(stored.kind === 'verified')
    assert.deepEqual(stored.terms?.allowFrom, ['192.0.2.1'])
  })
})

describe('an API key of a store', () => {
  it('is asked for under its prefix and digest, never by itself', async () => {
    const { store, asked } = storeOf({ [`k:${sha256('secret')}`]: '{"userId":"u"}' })
    const verdict = await new ApiKeyVerifier(store, 'k:').verify('secret', NOW)
    assert.ok(verdict.kind === 'verified')
    assert.equal(verdict.identity.subject, 'u')
    assert.deepEqual(asked, [`k:${sha256('secret')}`])
  })

  it('is invalid when it is not there, or has ended', async () => {
    const { store } = storeOf({ [sha256('old')]: `{"userId":"u","expiresAt":${NOW}}` })
    const verifier = new ApiKeyVerifier(store, '')
    assert.equal(await verifier.verify('other', NOW), refuse('api_key_unknown'))
    assert.ok((await verifier.verify('old', NOW - 1)).kind === 'verified')
    assert.equal(await verifier.verify('old', NOW), refuse('api_key_expired'))
  })

  it('has the same verdict as long as its record is the same, and is asked for each time', async () => {
    const values = { [sha256('secret')]: '{"userId":"u"}' }
    const { store, asked } = storeOf(values)
    const verifier = new ApiKeyVerifier(store, '')
    const verdict = await verifier.verify('secret', NOW)
    assert.equal(await verifier.verify('secret', NOW), verdict)
    assert.equal(asked.length, 2)
    values[sha256('secret')] = '{"userId":"v"}'
    const changed = await verifier.verify('secret', NOW)
    assert.ok(changed.kind === 'verified' && changed.identity.subject === 'v')
    delete values[sha256('secret')]
    assert.equal(await verifier.verify('secret', NOW), refuse('api_key_unknown'))
  })

  it('is not judged when the store does not answer, or holds something else', async () => {
    const silent: ApiKeyStore = { get: () => Promise.resolve({ ok: false, reason: 'timeout' }) }
    const unasked = await new ApiKeyVerifier(silent, '').verify('secret', NOW)
    assert.equal(unasked, refuse('api_key_store_unavailable'))
    for (const reason of ['wrong_type', 'too_large']) {
      const other: ApiKeyStore = { get: () => Promise.resolve({ ok: false, reason }) }
      const unreadable = await new ApiKeyVerifier(other, '').verify('secret', NOW)
      assert.equal(unreadable, refuse('api_key_unreadable'), reason)
    }
    const { store } = storeOf({ [sha256('secret')]: '{"userId":7}' })
    const unread = await new ApiKeyVerifier(store, '').verify('secret', NOW)
    assert.deepEqual(unread, refuseNaming('api_key_unreadable', 'userId'))
  })
})
