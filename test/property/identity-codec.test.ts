import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { byPart, type IdentityParts } from '../../src/protocol/identity-parts.ts'
import { keptClaimOf } from '../../src/protocol/kept-claims.ts'
import type { Verified } from '../../src/protocol/verification.ts'
import { decodeVerified, encodeVerified } from '../../src/token-cache/identity-codec.ts'

const ROOM_BYTES = 7_168

/** Any code unit at all, lone surrogates included: strings are as the issuer wrote them. */
const anyCodeUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 })
  .map((units) => String.fromCharCode(...units))
const anyText = fc.oneof(fc.string({ maxLength: 40 }), anyCodeUnits)
const anyTextOrNull = fc.option(anyText)
const anyTexts = fc.array(anyText, { maxLength: 20 })
const anyDate = fc.oneof(fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true }))

const anyClaims = fc.array(fc.option(fc.jsonValue().map((it) => keptClaimOf(JSON.stringify(it)))), {
  maxLength: 4,
})

const anyVerified: fc.Arbitrary<Verified> = fc.record({
  kind: fc.constant('verified' as const),
  identity: fc.record({
    issuer: anyText,
    subject: anyText,
    ...(byPart(({ kind }) => (kind === 'text' ? anyTextOrNull : anyTexts)) as unknown as {
      readonly [Name in keyof IdentityParts]: fc.Arbitrary<IdentityParts[Name]>
    }),
    clientId: anyTextOrNull,
    audiences: anyTexts,
    tokenId: anyTextOrNull,
    sessionId: anyTextOrNull,
    issuedAtSeconds: fc.option(anyDate),
    expiresAtSeconds: fc.option(anyDate),
    claims: anyClaims,
  }),
  deadAtSeconds: anyDate,
  keySlot: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  keyGeneration: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
})

/** Records made by fast-check have no prototype; what is compared are the fields. */
function plain(verified: Verified): Verified {
  return { ...verified, identity: { ...verified.identity } }
}

describe('identity codec', () => {
  it('gives back exactly the verdict that went in, frozen', () => {
    fc.assert(
      fc.property(anyVerified, (verified) => {
        const bytes = Buffer.alloc(ROOM_BYTES, 0xee)
        const length = encodeVerified(verified, bytes)
        assert.notEqual(length, -1)
        const decoded = decodeVerified(bytes, length)
        assert.ok(decoded)
        assert.deepEqual(decoded, plain(verified))
        const { identity } = decoded
        for (const part of [decoded, identity, identity.roles, identity.scopes]) {
          assert.ok(Object.isFrozen(part))
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('says so when there is no room, and never writes a part', () => {
    fc.assert(
      fc.property(anyVerified, fc.nat(400), (verified, roomBytes) => {
        const needed = encodeVerified(verified, Buffer.alloc(ROOM_BYTES))
        const bytes = Buffer.alloc(roomBytes)
        const length = encodeVerified(verified, bytes)
        assert.equal(length, needed <= roomBytes ? needed : -1)
        if (length === -1) assert.ok(bytes.every((byte) => byte === 0))
      }),
    )
  })

  it('does not keep a verdict with a date that is not a number', () => {
    const sample = fc.sample(anyVerified, 1)[0] as Verified
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const bytes = Buffer.alloc(ROOM_BYTES)
      assert.equal(encodeVerified({ ...sample, deadAtSeconds: bad }, bytes), -1)
      const identity = { ...sample.identity, expiresAtSeconds: bad }
      assert.equal(encodeVerified({ ...sample, identity }, bytes), -1)
    }
  })

  it('reads no verdict out of one that was cut short or grew', () => {
    fc.assert(
      fc.property(anyVerified, fc.integer({ min: -60, max: 60 }), (verified, change) => {
        const bytes = Buffer.alloc(ROOM_BYTES)
        const length = encodeVerified(verified, bytes)
        if (change !== 0) assert.equal(decodeVerified(bytes, length + change), null)
      }),
    )
  })

  it('answers any bytes with a whole verdict or with null, and never throws', () => {
    const anyBytes = fc.uint8Array({ minLength: 0, maxLength: 120 })
    fc.assert(
      fc.property(anyBytes, fc.integer({ min: -10, max: 200 }), (array, length) => {
        const decoded = decodeVerified(Buffer.from(array), length)
        if (decoded !== null) assert.equal(typeof decoded.identity.subject, 'string')
      }),
      { numRuns: 2_000 },
    )
  })

  it('answers any damage to real bytes with a well-typed verdict or with null', () => {
    const damage = fc.array(fc.tuple(fc.nat(300), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(anyVerified, damage, (verified, changes) => {
        const bytes = Buffer.alloc(ROOM_BYTES)
        const length = encodeVerified(verified, bytes)
        for (const [at, byte] of changes) bytes[at % length] = byte
        const decoded = decodeVerified(bytes, length)
        if (decoded === null) return
        assert.ok(Number.isFinite(decoded.deadAtSeconds))
        assert.ok(decoded.identity.roles.every((role) => typeof role === 'string'))
      }),
      { numRuns: 1_000 },
    )
  })
})
