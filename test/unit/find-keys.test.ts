/** Which keys a token is checked with, and the second look at them after one refetch. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findKeys, findNewerKeys } from '../../src/keys/find-keys.ts'
import type { KeySet, KeyWithoutPlace, VerificationKey } from '../../src/keys/key-set.ts'

const ISSUER = 'https://idp.example.com/'
const SELECTOR = { issuer: ISSUER, keyId: null, algorithm: 'ES256' } as const
/** Of the set as a whole. */
const PLACE = { slot: 9, generation: 1 }
const OF_KEY = { slot: 1, generation: 1 }
const KEY: VerificationKey = {
  id: 1,
  keyId: null,
  algorithms: ['ES256'],
  issuer: null,
  material: { kind: 'public', spkiPem: '' },
  generationSlot: 1,
  generation: 1,
}

function setWith(withoutPlace: readonly KeyWithoutPlace[]): KeySet {
  const rest = { askedAtSeconds: 1e9, withoutPlace, place: PLACE }
  return { sourceId: 'main', state: 'fresh', keys: [KEY], ...rest }
}

describe('a refetch that a bad signature causes', () => {
  it('shows a key without a place that was published meanwhile', async () => {
    let keySet = setWith([])
    const before = findKeys(keySet, SELECTOR)
    const source = {
      keySet: () => keySet,
      resolveUnknownKey: () => {
        keySet = setWith([{ keyId: null, algorithms: ['ES256'], issuer: null }])
        return Promise.resolve('refreshed' as const)
      },
    }
    const token = { sourceId: 'main', selector: SELECTOR, publishedBySeconds: 0 }
    const newer = await findNewerKeys(source, token, before)
    assert.notEqual(newer, before)
    assert.deepEqual(newer, { found: 'keys', keys: [KEY], areAll: false, restsOn: PLACE })
  })
})

function keyOf(keyId: string | null, algorithm: 'ES256' | 'EdDSA' = 'ES256', id = 1) {
  return { ...KEY, id, keyId, algorithms: [algorithm] } as const
}

function foundIn(keys: readonly VerificationKey[], keyId: string | null) {
  const found = findKeys({ ...setWith([]), keys }, { ...SELECTOR, keyId })
  return found.found === 'keys' ? found.keys : found.found
}

describe('the kid of a token is a hint (RFC 7515 §4.1.4)', () => {
  const nameless = keyOf(null)
  const named = keyOf('a')

  it('that the key of this name alone is tried, where there is one', () => {
    assert.deepEqual(foundIn([nameless, named], 'a'), [named])
  })

  it('that means the keys without a kid where no key has this name: Teleport, Google', () => {
    const second = keyOf(null, 'ES256', 2)
    assert.deepEqual(foundIn([nameless, named, second], 'b'), [nameless, second])
    assert.deepEqual(foundIn([nameless, keyOf('b', 'EdDSA')], 'b'), [nameless])
  })

  it('that never means a key of another name, nor one for another algorithm', () => {
    assert.equal(foundIn([named], 'b'), 'unknown')
    assert.equal(foundIn([keyOf(null, 'EdDSA')], 'b'), 'unknown')
    assert.equal(foundIn([keyOf('b', 'EdDSA'), named], 'b'), 'unfit')
    assert.equal(foundIn([keyOf(null, 'EdDSA')], null), 'unfit')
  })

  it('without which all keys for the algorithm are tried, with or without a name', () => {
    assert.deepEqual(foundIn([nameless, named, keyOf('b', 'EdDSA')], null), [nameless, named])
  })

  it('that makes no token choose more than eight keys', () => {
    const many = Array.from({ length: 9 }, (_, id) => keyOf(null, 'ES256', id))
    for (const keyId of [null, 'b']) {
      assert.equal(foundIn(many, keyId), 'unfit')
      assert.deepEqual(foundIn(many.slice(1), keyId), many.slice(1))
    }
    assert.deepEqual(foundIn([...many, named], 'a'), [named])
  })

  it('that leaves a token undecided whose key may be one without a place', () => {
    const withoutPlace = [{ keyId: null, algorithms: ['ES256'], issuer: null }] as const
    const find = (keys: readonly VerificationKey[], keyId: string) =>
      findKeys({ ...setWith(withoutPlace), keys }, { ...SELECTOR, keyId })
    assert.equal(find([named], 'b').found, 'unavailable')
    assert.deepEqual(find([nameless], 'b'), {
      found: 'keys',
      keys: [nameless],
      areAll: false,
      restsOn: PLACE,
    })
    assert.deepEqual(find([named], 'a'), {
      found: 'keys',
      keys: [named],
      areAll: true,
      restsOn: PLACE,
    })
  })
})

describe('the issuer of a key, as Entra ID publishes it', () => {
  const other = 'https://login.example.com/other/v2.0'
  const template = 'https://login.example.com/{tenantid}/v2.0'
  const issuer = 'https://login.example.com/contoso/v2.0'
  const find = (keys: readonly VerificationKey[], keyId: string | null) => {
    const found = findKeys({ ...setWith([]), keys }, { ...SELECTOR, issuer, keyId })
    return found.found === 'keys' ? found.keys : found.found
  }

  it('has a key tried for tokens of that issuer alone, by name or without', () => {
    const [own, foreign] = [
      { ...keyOf('a'), issuer: template },
      { ...keyOf('b'), issuer: other },
    ]
    assert.deepEqual(find([foreign, own], 'a'), [own])
    assert.deepEqual(find([foreign, own], null), [own])
    assert.equal(find([foreign, own], 'b'), 'foreign')
    assert.equal(find([foreign], null), 'foreign')
    assert.equal(find([foreign], 'c'), 'unknown')
    assert.equal(find([{ ...keyOf('b', 'EdDSA'), issuer: other }], 'b'), 'unfit')
  })

  it('may have a placeholder, which stands for one value of a tenant wherever it is', () => {
    const twice = 'https://{tenantid}.ciamlogin.com/{tenantid}/v2.0'
    const cases: readonly (readonly [string, string, boolean])[] = [
      [twice, 'https://contoso.ciamlogin.com/contoso/v2.0', true],
      [twice, 'https://contoso.ciamlogin.com/fabrikam/v2.0', false],
      [template, 'https://login.example.com/a/b/v2.0', false],
      [template, 'https://login.example.com//v2.0', false],
      [template, 'https://login.example.com/v2.0', false],
      [template, 'https://login.example.com/../v2.0', false],
      [template, 'https://login.example.com/{tenantid}/v2.0', true],
      ['https://login.example.com/{tenant id}/v2.0', issuer, false],
      ['{tenantid}', issuer, false],
    ]
    for (const [ofKey, ofToken, isFound] of cases) {
      const keySet = { ...setWith([]), keys: [{ ...KEY, issuer: ofKey }] }
      const { found } = findKeys(keySet, { ...SELECTOR, issuer: ofToken })
      assert.equal(found === 'keys', isFound, `${ofKey} ${ofToken}`)
    }
  })

  it('tells two keys of one kid apart', () => {
    const own = { ...keyOf('a', 'ES256', 2), issuer }
    assert.deepEqual(find([{ ...keyOf('a'), issuer: other }, own], 'a'), [own])
  })

  it('has all keys of one kid tried that a token may be meant by, and each that comes', () => {
    const forAll = { ...keyOf('a'), issuer: template }
    const own = { ...keyOf('a', 'ES256', 2), issuer }
    const unrestricted = keyOf('a', 'ES256', 3)
    for (const keys of [
      [forAll, own],
      [own, forAll, unrestricted],
    ]) {
      assert.deepEqual(find([...keys, { ...keyOf('a', 'ES256', 4), issuer: other }], 'a'), keys)
    }
    const many = Array.from({ length: 9 }, (_, id) => ({ ...keyOf('a', 'ES256', id), issuer }))
    assert.equal(find(many, 'a'), 'unfit')
    // A token that this one did not sign may be of another of that name, once that is published.
    const alone = { ...setWith([]), keys: [forAll] }
    const found = findKeys(alone, { ...SELECTOR, issuer, keyId: 'a' })
    assert.deepEqual(found.found === 'keys' && found.restsOn, PLACE)
    const withoutPlace = findKeys({ ...alone, place: null }, { ...SELECTOR, issuer, keyId: 'a' })
    assert.deepEqual(withoutPlace.found === 'keys' && withoutPlace.restsOn, OF_KEY)
  })

  it('leaves no token undecided for a foreign key without a place', () => {
    const lacking = [{ keyId: null, algorithms: ['ES256'], issuer: other }] as const
    const keySet = { ...setWith(lacking), keys: [keyOf(null)] }
    const found = findKeys(keySet, { ...SELECTOR, issuer })
    assert.equal(found.found === 'keys' && found.areAll, true)
  })
})
