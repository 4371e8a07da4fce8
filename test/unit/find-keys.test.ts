/** The second look at the keys of an issuer, after one refetch. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findKeys, findNewerKeys } from '../../src/keys/find-keys.ts'
import type { KeySet, KeyWithoutPlace, VerificationKey } from '../../src/keys/key-set.ts'

const SELECTOR = { keyId: null, algorithm: 'ES256' } as const
const KEY: VerificationKey = {
  id: 1,
  keyId: null,
  algorithms: ['ES256'],
  material: { kind: 'public', spkiPem: '' },
  generationSlot: 1,
  generation: 1,
}

function setWith(withoutPlace: readonly KeyWithoutPlace[]): KeySet {
  return { sourceId: 'main', state: 'fresh', keys: [KEY], askedAtSeconds: 1e9, withoutPlace }
}

describe('a refetch that a bad signature causes', () => {
  it('shows a key without a place that was published meanwhile', async () => {
    let keySet = setWith([])
    const before = findKeys(keySet, SELECTOR)
    const source = {
      keySet: () => keySet,
      resolveUnknownKey: () => {
        keySet = setWith([{ keyId: null, algorithms: ['ES256'] }])
        return Promise.resolve('refreshed' as const)
      },
    }
    const token = { sourceId: 'main', selector: SELECTOR, publishedBySeconds: 0 }
    const newer = await findNewerKeys(source, token, before)
    assert.notEqual(newer, before)
    assert.deepEqual(newer, { found: 'keys', keys: [KEY], areAll: false })
  })
})
