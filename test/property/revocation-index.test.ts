/** The shared index against a plain Map. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createRevocationBuffer, RevocationIndex } from '../../src/revocation/revocation-index.ts'
import { type RevocationKeys, revocationKeysOf } from '../../src/revocation/revocation-key.ts'
import { RevocationReader } from '../../src/revocation/revocation-reader.ts'
import { brokenIndexInvariants, entryOf, ISSUER, identityOf } from '../support/revocations.ts'

const START = 1_000
const PEOPLE = 24
const CAPACITY = 9
const LIFE_MAX = 12

type Kind = 'jti' | 'sid' | 'sub'
type Operation =
  | { kind: 'add'; what: Kind; person: number; life: number; back: number }
  | { kind: 'ask'; person: number }
  | { kind: 'wait'; seconds: number }
  | { kind: 'sweep' }

const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      what: fc.constantFrom<Kind>('jti', 'sid', 'sub'),
      person: fc.nat(PEOPLE - 1),
      life: fc.integer({ min: 0, max: LIFE_MAX }),
      back: fc.nat(8),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({ kind: fc.constant('ask' as const), person: fc.nat(PEOPLE - 1) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.nat(4) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sweep' as const) }) },
)

const VALUES: Readonly<Record<Kind, string>> = { jti: 'token', sid: 'session', sub: 'subject' }

class World {
  readonly buffer = createRevocationBuffer(CAPACITY)
  readonly #index = new RevocationIndex(this.buffer)
  readonly #reader = new RevocationReader(this.buffer)
  readonly #model = new Map<string, { watermark: number; until: number }>()
  /** Kept from question to question, as a listener does; half are issued at other times. */
  readonly #keys: RevocationKeys[] = Array.from({ length: PEOPLE }, (_, person) =>
    revocationKeysOf(identityOf(person, START - 4 + (person % 12))),
  )
  #now = START
  revoked = 0
  full = 0

  run(operation: Operation): void {
    if (operation.kind === 'add') this.#add(operation)
    else if (operation.kind === 'ask') this.#ask(operation.person)
    else if (operation.kind === 'wait') this.#now += operation.seconds
    else this.#index.sweep(this.#now)
    this.#forgetExpired()
  }

  #add({ what, person, life, back }: Operation & { kind: 'add' }): void {
    const value = `${VALUES[what]}-${person}`
    const watermark = what === 'sub' ? this.#now - back : null
    const entry = entryOf({ kind: what, issuer: ISSUER, value }, this.#now + life, watermark)
    const outcome = this.#index.add(entry, this.#now)
    const known = this.#model.get(value)
    const next = {
      watermark: Math.max(known?.watermark ?? 0, watermark ?? Number.POSITIVE_INFINITY),
      until: Math.max(known?.until ?? 0, this.#now + life),
    }
    if (life === 0) assert.equal(outcome, 'expired')
    else if (known === undefined && this.#model.size >= CAPACITY) {
      assert.equal(outcome, 'full', 'full of what is alive')
      this.full += 1
    } else {
      const isNews = known?.watermark !== next.watermark || known.until !== next.until
      assert.equal(outcome, isNews ? 'added' : 'known')
      this.#model.set(value, next)
    }
  }

  #ask(person: number): void {
    const keys = this.#keys[person] as RevocationKeys
    const expected = Object.values(VALUES).some((word) => {
      const known = this.#model.get(`${word}-${person}`)
      return known !== undefined && keys.issuedAtSeconds <= known.watermark
    })
    assert.equal(this.#reader.isRevoked(keys, this.#now), expected)
    if (expected) this.revoked += 1
  }

  #forgetExpired(): void {
    for (const [value, { until }] of this.#model) {
      if (until <= this.#now) this.#model.delete(value)
    }
  }
}

describe('revocation index against a Map', () => {
  it('says of everybody exactly what the Map says, and stays whole', () => {
    let revoked = 0
    let full = 0
    fc.assert(
      fc.property(fc.array(anyOperation, { maxLength: 300, size: 'max' }), (operations) => {
        const world = new World()
        for (const operation of operations) world.run(operation)
        assert.deepEqual(brokenIndexInvariants(world.buffer), [])
        revoked += world.revoked
        full += world.full
      }),
      { numRuns: 300 },
    )
    assert.ok(revoked > 1_000 && full > 100, 'the property looked at revoked and at full')
  })
})
