/** Lifts and shares of the revocation index, and clocks that are ahead, in any order. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseRevocation, type RevocationEntry } from '../../src/revocation/revocation-entry.ts'
import { createRevocationBuffer, RevocationIndex } from '../../src/revocation/revocation-index.ts'
import { issuerKey, revocationKeysOf } from '../../src/revocation/revocation-key.ts'
import { RevocationReader } from '../../src/revocation/revocation-reader.ts'
import { brokenIndexInvariants, entryOf, ISSUER, identityOf } from '../support/revocations.ts'

const NOW = 2_000
const RUNS = { numRuns: 300 }
const SUBJECT = { kind: 'sub', issuer: ISSUER, value: 'subject-1' } as const

function open(capacity = 30, issuers: readonly string[] = []) {
  const buffer = createRevocationBuffer(capacity)
  const index = new RevocationIndex(buffer, issuers.map(issuerKey))
  return { buffer, index, reader: new RevocationReader(buffer) }
}

const anyEntry = fc
  .record({ until: fc.integer({ min: 3_000, max: 3_003 }), at: fc.integer({ min: 1, max: 4 }) })
  .map(({ until, at }) => entryOf(SUBJECT, until, at * 100))

describe('a lifted revocation', () => {
  it('stays lifted, and a later one in force, in whatever order the log is read', () => {
    fc.assert(
      fc.property(
        fc.array(anyEntry, { minLength: 1, maxLength: 4 }),
        fc.infiniteStream(fc.nat()),
        (entries, numbers) => {
          const author = open().index
          for (const entry of entries) author.add(entry, NOW)
          const [{ key } = assert.fail()] = entries
          const lift = author.liftOf(key, NOW) ?? assert.fail('nothing to lift')
          assert.equal(author.add(lift, NOW), 'added')
          const again = author.renewed(entries.at(-1) ?? assert.fail())
          assert.equal(author.add(again, NOW), 'added')

          const log: RevocationEntry[] = [...entries, lift]
          const shuffled = (all: RevocationEntry[]) =>
            all
              .map((entry) => ({ entry, place: numbers.next().value ?? 0 }))
              .sort((a, b) => a.place - b.place)
              .map(({ entry }) => entry)
          const lifted = open()
          for (const entry of shuffled(log)) lifted.index.add(entry, NOW)
          const issuedFirst = revocationKeysOf(identityOf(1, 100))
          assert.equal(lifted.reader.isRevoked(issuedFirst, NOW), false)
          assert.equal(lifted.index.size, 0)
          assert.deepEqual(brokenIndexInvariants(lifted.buffer), [])

          const revokedAgain = open()
          for (const entry of shuffled([...log, again])) revokedAgain.index.add(entry, NOW)
          assert.equal(
            revokedAgain.reader.isRevoked(revocationKeysOf(identityOf(1, 100)), NOW),
            true,
          )
        },
      ),
      RUNS,
    )
  })
})

describe('a revocation of a subject without an instant', () => {
  it('covers every token whose clock is ahead of ours by no more than the tolerance', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.nat(120), (clockToleranceSeconds, aheadSeconds) => {
        const policy = { credentialLifeMaxSeconds: 3_600, clockToleranceSeconds }
        const parsed = parseRevocation({ sub: 'subject-1', issuer: ISSUER }, policy, NOW)
        const { index, reader } = open()
        index.add(parsed.ok ? parsed.entry : assert.fail(parsed.message), NOW)
        const keys = revocationKeysOf(identityOf(1, NOW + aheadSeconds))
        assert.equal(reader.isRevoked(keys, NOW), aheadSeconds <= clockToleranceSeconds)
      }),
      RUNS,
    )
  })
})

describe('shares of the revocation index', () => {
  it('always leave every issuer its own part, and no issuer more than half', () => {
    const names = ['a', 'b', 'c', 'd']
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 1, maxLength: 300 }), (revoking) => {
        const { buffer, index } = open(120, names)
        const counts = [0, 0, 0, 0]
        revoking.forEach((place, number) => {
          const issuer = names[place] ?? ''
          const name = { kind: 'jti', issuer, value: String(number) } as const
          const entry = entryOf(name, NOW + 10)
          const own = counts[place] ?? 0
          const isAdmitted = index.admits(entry, NOW)
          assert.ok(isAdmitted || own >= index.capacity / 2 / names.length, 'its own part')
          if (!isAdmitted) return
          counts[place] = own + 1
          assert.ok(own < index.capacity / 2, 'half')
          assert.equal(index.add(entry, NOW), 'added')
          assert.equal(index.admits(entry, NOW), true, 'what is known takes no room')
        })
        assert.deepEqual(
          names.map((name) => index.shares.countOf(issuerKey(name))),
          counts,
        )
        assert.deepEqual(brokenIndexInvariants(buffer), [])
        index.sweep(NOW + 10)
        assert.ok(names.every((name) => index.shares.countOf(issuerKey(name)) === 0))
      }),
      RUNS,
    )
  })
})
