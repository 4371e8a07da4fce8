/** The life of an issuer's keys, on a clock that the test moves. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { emptyKeySet, type KeySet } from '../../src/keys/key-set.ts'
import { KeyStore } from '../../src/keys/key-store.ts'
import { secretKeySet } from '../../src/keys/secret-key-set.ts'
import { parseJwks } from '../../src/protocol/parse-jwks.ts'
import { aliveKeys, createGenerations } from '../support/generations.ts'
import { es256Jwk, keySetDocument, rsaKeyPair } from '../support/key-documents.ts'
import { ManualClock } from '../support/manual-clock.ts'

const FETCHED = { ageMs: 0, confirmed: true }
const one = es256Jwk('one')
const two = es256Jwk('two')

function parsed(...jwks: readonly unknown[]) {
  const outcome = parseJwks(keySetDocument(...jwks), ['ES256', 'RS256', 'PS256'])
  assert.ok(outcome.ok)
  return outcome.keys
}

function setUp(places?: number) {
  const clock = new ManualClock()
  const { allocator, table } = createGenerations(places)
  const options = { sourceId: 'main', freshForMs: 300_000, staleMaxAgeMs: 3_600_000 }
  const store = new KeyStore(options, allocator, clock)
  return { clock, store, table, allocator }
}

describe('states of a key set', () => {
  it('is empty until there are keys, and nothing is due', () => {
    const { store } = setUp()
    assert.deepEqual(store.keySet(), emptyKeySet('main'))
    assert.equal(store.ageMs(), null)
    assert.equal(store.untilChangeMs(), null)
  })

  it('is fresh, then stale in the very millisecond of the TTL, then dead', () => {
    const { store, clock } = setUp()
    store.apply(parsed(one), FETCHED)
    assert.equal(store.state, 'fresh')
    assert.equal(store.untilChangeMs(), 300_000)
    clock.advanceMs(299_999)
    store.advance()
    assert.equal(store.state, 'fresh')
    clock.advanceMs(1)
    store.advance()
    assert.equal(store.state, 'stale')
    assert.equal(store.keySet().keys.length, 1)
    clock.advanceMs(3_300_000 - 1)
    store.advance()
    assert.equal(store.state, 'stale')
    clock.advanceMs(1)
    assert.deepEqual(store.advance().removed, ['one'])
    const { askedAtSeconds } = store.keySet()
    const dead = { ...emptyKeySet('main'), state: 'dead', askedAtSeconds }
    assert.deepEqual({ ...store.keySet(), place: null }, dead)
    assert.equal(store.untilChangeMs(), null)
  })

  it('says when the issuer was asked for it, which is before the answer came', () => {
    const { store, clock } = setUp()
    const startSeconds = clock.wallMs() / 1_000
    clock.advanceMs(10_000)
    store.apply(parsed(one), { ageMs: 1_500, confirmed: true })
    clock.advanceMs(10_000)
    assert.equal(store.keySet().askedAtSeconds, startSeconds + 8.5)
  })

  it('takes an unconfirmed copy as stale, and its age into account', () => {
    const { store, clock } = setUp()
    store.apply(parsed(one), { ageMs: 1_000, confirmed: false })
    assert.equal(store.state, 'stale')
    assert.equal(store.untilChangeMs(), 3_599_000)
    clock.advanceMs(3_599_000)
    store.advance()
    assert.equal(store.state, 'dead')
  })

  it('does not say of such a copy when the issuer was asked: the clock may have been set', () => {
    const { store } = setUp()
    store.apply(parsed(one), { ageMs: 0, confirmed: false })
    assert.equal(store.keySet().askedAtSeconds, 0)
  })

  it('never lets a set die while it is fresh', () => {
    const clock = new ManualClock()
    const options = { sourceId: 'main', freshForMs: 1_000, staleMaxAgeMs: 0 }
    const store = new KeyStore(options, createGenerations().allocator, clock)
    store.apply(parsed(one), FETCHED)
    assert.equal(store.state, 'fresh')
    clock.advanceMs(1_000)
    store.advance()
    assert.equal(store.state, 'dead')
  })
})

describe('keys across refreshes', () => {
  it('keeps an unchanged key as it is, so that decisions made with it live on', () => {
    const { store, table } = setUp()
    store.apply(parsed(one), FETCHED)
    const before = store.keySet().keys[0]
    const change = store.apply(parsed(two, { ...one, x5t: 'new decoration' }), FETCHED)
    assert.deepEqual(change, { added: ['two'], removed: [] })
    assert.equal(store.keySet().keys[1], before)
    assert.deepEqual(aliveKeys(store.keySet(), table), [true, true])
  })

  it('kills a key that disappears, and no other', () => {
    const { store, table } = setUp()
    store.apply(parsed(one, two), FETCHED)
    const before = store.keySet()
    assert.deepEqual(store.apply(parsed(two), FETCHED).removed, ['one'])
    assert.deepEqual(aliveKeys(before, table), [false, true])
  })

  it('kills a key whose kid now names another key, or which may verify something else', () => {
    const rsa = { ...rsaKeyPair().publicJwk, kid: 'rsa' }
    const { store, table } = setUp()
    store.apply(parsed(one, { ...rsa, alg: 'RS256' }), FETCHED)
    const before = store.keySet()
    store.apply(parsed({ ...two, kid: 'one' }, { ...rsa, alg: 'PS256' }), FETCHED)
    assert.deepEqual(aliveKeys(before, table), [false, false])
    assert.deepEqual(aliveKeys(store.keySet(), table), [true, true])
  })

  it('gives a key that comes back a new life, not its old one', () => {
    const { store, table } = setUp()
    store.apply(parsed(one), FETCHED)
    const before = store.keySet()
    store.apply(parsed(two), FETCHED)
    store.apply(parsed(one), FETCHED)
    assert.deepEqual(aliveKeys(before, table), [false])
    assert.deepEqual(aliveKeys(store.keySet(), table), [true])
    assert.notEqual(store.keySet().keys[0]?.id, before.keys[0]?.id)
  })

  it('kills all keys of a set that dies of age, and revives none when it is back', () => {
    const { store, table, clock } = setUp()
    store.apply(parsed(one, two), FETCHED)
    const before = store.keySet()
    clock.advanceMs(3_600_000)
    store.advance()
    store.apply(parsed(one, two), FETCHED)
    assert.equal(store.state, 'fresh')
    assert.deepEqual(aliveKeys(before, table), [false, false])
    assert.deepEqual(aliveKeys(store.keySet(), table), [true, true])
  })

  it('has nothing to decide with when the issuer publishes no key', () => {
    const { store, table } = setUp()
    store.apply(parsed(one), FETCHED)
    const before = store.keySet()
    store.apply([], FETCHED)
    assert.equal(store.state, 'empty')
    assert.deepEqual(aliveKeys(before, table), [false])
  })

  it('tells which keys found no place, and gives them one as soon as there is one', () => {
    const { store, allocator, table } = setUp(3)
    const others = [allocator.allocate(), allocator.allocate()]
    store.apply(parsed(one, two), FETCHED)
    const before = store.keySet()
    assert.deepEqual(
      before.keys.map(({ keyId }) => keyId),
      ['one'],
    )
    assert.deepEqual(before.withoutPlace, [{ keyId: 'two', algorithms: ['ES256'], issuer: null }])
    assert.equal(store.hasKeyId('two'), true, 'it is published')
    for (const place of others) if (place !== null) allocator.kill(place.slot)
    assert.deepEqual(store.apply(parsed(one, two), FETCHED).added, ['two'])
    assert.deepEqual(store.keySet().withoutPlace, [])
    assert.deepEqual(aliveKeys(store.keySet(), table), [true, true])
  })

  it('needs no more places for a new set than the longer of the two has keys', () => {
    const { store, table } = setUp(2)
    store.apply(parsed(one, two), FETCHED)
    const before = store.keySet()
    for (let rotation = 0; rotation < 10; rotation += 1) {
      store.apply(parsed(es256Jwk(`a-${rotation}`), es256Jwk(`b-${rotation}`)), FETCHED)
      assert.deepEqual(aliveKeys(store.keySet(), table), [true, true])
      assert.deepEqual(aliveKeys(before, table), [false, false])
    }
  })
})

describe('what was refused under all keys of a set', () => {
  const isKept = ({ table }: ReturnType<typeof setUp>, { place }: KeySet) =>
    place !== null && table.isAlive(place.slot, place.generation)

  it('stays true while the issuer publishes the same keys', () => {
    const rig = setUp()
    const { store, clock } = rig
    store.apply(parsed(one, two), FETCHED)
    const before = store.keySet()
    store.apply(parsed(two, { ...one, x5t: 'new decoration' }), FETCHED)
    clock.advanceMs(300_000)
    store.advance()
    assert.equal(store.state, 'stale')
    assert.ok(isKept(rig, before))
    assert.deepEqual(store.keySet().place, before.place)
  })

  const changes: readonly (readonly [string, (rig: ReturnType<typeof setUp>) => void])[] = [
    ['a key comes', ({ store }) => store.apply(parsed(one, two, es256Jwk('three')), FETCHED)],
    ['a key goes', ({ store }) => store.apply(parsed(one), FETCHED)],
    [
      'a key comes without a place',
      ({ store, allocator }) => {
        while (allocator.allocate() !== null);
        store.apply(parsed(one, two, es256Jwk('three')), FETCHED)
      },
    ],
    [
      'a key is for other issuers from now on',
      ({ store }) => {
        store.apply(parsed(one, { ...two, issuer: 'https://other.example.com/' }), FETCHED)
      },
    ],
    ['the last key goes', ({ store }) => store.apply([], FETCHED)],
    [
      'the set has become too old',
      ({ store, clock }) => {
        clock.advanceMs(3_600_000)
        store.advance()
      },
    ],
    ['the issuer is gone', ({ store }) => store.withdraw()],
  ]
  for (const [name, change] of changes) {
    it(`is forgotten when ${name}`, () => {
      const rig = setUp()
      rig.store.apply(parsed(one, two), FETCHED)
      const before = rig.store.keySet()
      assert.ok(isKept(rig, before))
      change(rig)
      assert.ok(!isKept(rig, before))
      const after = rig.store.keySet()
      assert.equal(isKept(rig, after), after.place !== null)
    })
  }

  it('takes one place for as long as the issuer is there, and gives it back', () => {
    const { store, allocator } = setUp(2)
    for (let rotation = 0; rotation < 10; rotation += 1) {
      store.apply(parsed(es256Jwk(`a-${rotation}`)), FETCHED)
      assert.equal(allocator.allocate(), null)
    }
    store.withdraw()
    assert.notEqual(allocator.allocate(), null)
    assert.notEqual(allocator.allocate(), null)
  })
})

describe('shared secrets (RFC 7518 §3.2)', () => {
  it('makes a set of one key that is fresh for good', () => {
    const { allocator, table } = createGenerations()
    const secret = Buffer.alloc(64, 7)
    const set = secretKeySet({ sourceId: 'hs', secret, algorithms: ['HS256', 'HS512'] }, allocator)
    assert.equal(set.state, 'fresh')
    assert.deepEqual(set.keys[0]?.material, { kind: 'secret', secret })
    assert.deepEqual(aliveKeys(set, table), [true])
  })

  it('throws at start-up for a secret that is shorter than the hash, or for a public algorithm', () => {
    const { allocator } = createGenerations()
    const secret = Buffer.alloc(63)
    const make = (algorithm: 'HS512' | 'RS256') =>
      secretKeySet({ sourceId: 'hs', secret, algorithms: [algorithm] }, allocator)
    assert.throws(() => make('HS512'), RangeError)
    assert.throws(() => make('RS256'), RangeError)
  })
})
