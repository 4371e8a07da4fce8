import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  parseRevocation,
  REASON_LENGTH_MAX,
  REVOCATION_LIFE_MAX_SECONDS,
  REVOKED_VALUE_LENGTH_MAX,
  type RevocationEntry,
} from '../../src/revocation/revocation-entry.ts'
import { issuerKey, revocationKey } from '../../src/revocation/revocation-key.ts'
import {
  encodeRevocationRecord,
  parseRevocationRecord,
} from '../../src/revocation/revocation-record.ts'
import { entryOf, ISSUER, tokenEntryOf } from '../support/revocations.ts'

const NOW = 1_700_000_000
const LIFE = 86_400
const TOLERANCE = 30
const POLICY = { credentialLifeMaxSeconds: LIFE, clockToleranceSeconds: TOLERANCE }

function entryFrom(body: unknown) {
  const parsed = parseRevocation(body, POLICY, NOW)
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.message)
  return parsed.entry
}

function messageFrom(body: unknown): string {
  const parsed = parseRevocation(body, POLICY, NOW)
  assert.ok(!parsed.ok)
  return parsed.message
}

describe('what an operator may revoke', () => {
  it('is a token of an issuer, for as long as any token lives', () => {
    assert.deepEqual(entryFrom({ jti: 'a', issuer: ISSUER }), {
      kind: 'jti',
      key: revocationKey({ kind: 'jti', issuer: ISSUER, value: 'a' }),
      issuer: issuerKey(ISSUER),
      tellsIssuer: false,
      watermarkSeconds: null,
      untilSeconds: NOW + LIFE + TOLERANCE,
    })
  })

  it('is a session, of an issuer or of none', () => {
    const none = revocationKey({ kind: 'sid', issuer: '', value: 'a' })
    assert.equal(entryFrom({ sid: 'a' }).key, none)
    assert.equal(entryFrom({ sid: 'a', issuer: null }).key, none)
    const some = revocationKey({ kind: 'sid', issuer: ISSUER, value: 'a' })
    assert.equal(entryFrom({ sid: 'a', issuer: ISSUER }).key, some)
  })

  it('is what a subject was issued before now, by a clock that may be ahead of ours', () => {
    const key = revocationKey({ kind: 'sub', issuer: ISSUER, value: 'a' })
    const now = entryFrom({ sub: 'a', issuer: ISSUER })
    assert.deepEqual([now.key, now.watermarkSeconds], [key, NOW + TOLERANCE])
    assert.equal(now.untilSeconds, NOW + TOLERANCE + LIFE + TOLERANCE)
    const before = entryFrom({ sub: 'a', issuer: ISSUER, before: NOW - 99.5 })
    assert.equal(before.watermarkSeconds, NOW - 99)
    assert.equal(before.untilSeconds, NOW + LIFE + TOLERANCE)
    const ahead = entryFrom({ sub: 'a', issuer: ISSUER, before: NOW + 300 })
    assert.equal(ahead.untilSeconds, NOW + 300 + LIFE + TOLERANCE)
    const session = entryFrom({ sub: 'a', issuer: null })
    assert.equal(session.key, revocationKey({ kind: 'sub', issuer: '', value: 'a' }))
  })

  it('is all that an issuer issued', () => {
    const entry = entryFrom({ issuer: ISSUER })
    assert.equal(entry.key, revocationKey({ kind: 'issuer', issuer: ISSUER, value: '' }))
    assert.equal(entry.watermarkSeconds, NOW + TOLERANCE)
  })

  it('is kept past the named end by the clock tolerance, for which tokens are still good', () => {
    const entry = entryFrom({ jti: 'a', issuer: ISSUER, until: NOW + 10 })
    assert.equal(entry.untilSeconds, NOW + 10 + TOLERANCE)
  })

  it('comes with a remark, which is not part of the entry', () => {
    const parsed = parseRevocation({ sid: 'a', reason: 'gestohlen – Fall 7' }, POLICY, NOW)
    assert.ok(parsed.ok)
    assert.equal(parsed.reason, 'gestohlen – Fall 7')
    assert.equal('reason' in parsed.entry, false)
  })
})

describe('a request to revoke that is refused', () => {
  const long = 'x'.repeat(REVOKED_VALUE_LENGTH_MAX + 1)
  const refusals: readonly (readonly [string, unknown, RegExp])[] = [
    ['text', 'jti', /JSON object/],
    ['null', null, /JSON object/],
    ['an array', [{ sid: 'a' }], /JSON object/],
    ['nothing named', {}, /one of jti, sid, sub and issuer/],
    ['only a reason', { reason: 'a' }, /one of jti, sid, sub and issuer/],
    ['an unknown member', { sid: 'a', subject: 'b' }, /may only have/],
    ['a member of Object.prototype', { sid: 'a', constructor: 'b' }, /may only have/],
    ['two kinds', { sid: 'a', jti: 'b', issuer: ISSUER }, /jti and sid exclude each other/],
    ['a token without issuer', { jti: 'a' }, /jti needs an issuer/],
    ['a subject without issuer', { sub: 'a' }, /sub needs an issuer/],
    ['an issuer of null alone', { issuer: null }, /issuer must be a string/],
    ['a number for a token', { jti: 7, issuer: ISSUER }, /jti must be a string/],
    ['null for a session', { sid: null }, /sid must be a string/],
    ['an array for an issuer', { sid: 'a', issuer: [ISSUER] }, /issuer must be a string/],
    ['an empty session', { sid: '' }, /sid must not be empty/],
    ['an empty issuer', { sid: 'a', issuer: '' }, /issuer must not be empty/],
    ['too long a session', { sid: long }, /sid must not be longer than 512/],
    ['too long an issuer', { issuer: long }, /issuer must not be longer than 512/],
    ['before with a token', { jti: 'a', issuer: ISSUER, before: NOW }, /no meaning with jti/],
    ['before as text', { issuer: ISSUER, before: '1' }, /before must be an instant/],
    ['a negative before', { issuer: ISSUER, before: -1 }, /before must be an instant/],
    ['before in NaN', { issuer: ISSUER, before: Number.NaN }, /before must be an instant/],
    ['before far ahead', { issuer: ISSUER, before: NOW + 301 }, /before must not be more/],
    ['until as null', { sid: 'a', until: null }, /until must be an instant/],
    ['until that has passed', { sid: 'a', until: NOW }, /until must be in the future/],
    ['until in microseconds', { sid: 'a', until: NOW * 1e6 }, /until must/],
    [
      'until too far ahead',
      { sid: 'a', until: NOW + REVOCATION_LIFE_MAX_SECONDS + 1 },
      /not be more than 400 days/,
    ],
    ['a reason that is no text', { sid: 'a', reason: 1 }, /reason must be a string/],
    ['a reason of two lines', { sid: 'a', reason: 'a\nb' }, /reason must be printable/],
    ['a reason with an escape', { sid: 'a', reason: '\u001b[31m' }, /reason must be printable/],
    ['a reason that turns around', { sid: 'a', reason: '\u202eb' }, /reason must be printable/],
    ['too long a reason', { sid: 'a', reason: 'x'.repeat(REASON_LENGTH_MAX + 1) }, /256/],
  ]
  for (const [what, body, message] of refusals) {
    it(`is ${what}`, () => assert.match(messageFrom(body), message))
  }

  it('is told without repeating what was sent', () => {
    assert.ok(!messageFrom({ sid: 'a', s3cret: 'b' }).includes('s3cret'))
    assert.ok(!messageFrom({ sid: 's3cret', until: 1 }).includes('s3cret'))
  })

  it('allows the longest value and the longest reason', () => {
    const sid = 'x'.repeat(REVOKED_VALUE_LENGTH_MAX)
    const reason = 'x'.repeat(REASON_LENGTH_MAX)
    assert.ok(parseRevocation({ sid, reason }, POLICY, NOW).ok)
  })
})

describe('a record of the log', () => {
  const subject = { kind: 'sub', issuer: ISSUER, value: 'alice@example.com' } as const
  const entry = entryOf(subject, NOW + 100, NOW)

  it('says what is needed to revoke elsewhere, and names no user', () => {
    const record = encodeRevocationRecord(entry)
    assert.deepEqual(parseRevocationRecord(record, NOW), { ...entry, issuer: null })
    assert.ok(!record.includes('alice') && !record.includes('example.com'))
    const token = { ...tokenEntryOf(1, NOW + 100), tellsIssuer: true }
    const told = encodeRevocationRecord(token)
    assert.deepEqual(parseRevocationRecord(told, NOW), token)
    assert.ok(!told.includes('example.com'))
  })

  it('is written as the first version reads it, unless it says more', () => {
    const { key } = entry
    const text = `{"version":1,"kind":"sub","key":"${key}","watermark":${NOW},"until":${NOW + 100}}`
    assert.equal(encodeRevocationRecord(entry), text)
    assert.match(encodeRevocationRecord({ ...entry, tellsIssuer: true }), /"version":2/)
  })

  it('may lift what was revoked, with a watermark or without', () => {
    for (const watermarkSeconds of [NOW, null]) {
      const lift: RevocationEntry = { ...entry, kind: 'lifted', issuer: null, watermarkSeconds }
      assert.deepEqual(parseRevocationRecord(encodeRevocationRecord(lift), NOW), lift)
    }
  })

  it('is read when a later version has added to it, in whatever order', () => {
    const record = encodeRevocationRecord(entry)
    const later = [
      record.replace('{', '{"extra":{"a":[1]},'),
      record.replace('"version":1', '"version":7'),
      record.replace('}', ',"issuer":"in a form of later"}'),
      ` ${record} `,
    ]
    for (const text of later) {
      assert.deepEqual(parseRevocationRecord(text, NOW), { ...entry, issuer: null }, text)
    }
  })

  it('is not taken when what it says of the revocation is missing or wrong', () => {
    const record = encodeRevocationRecord(entry)
    const garbage = [
      '',
      'null',
      '7',
      '[]',
      '{}',
      record.slice(0, -1),
      record.replace('"version":1', '"version":0'),
      record.replace('"version":1', '"version":"1"'),
      record.replace('"sub"', '"constructor"'),
      record.replace('"sub"', '"jti"'),
      record.replace(`"watermark":${NOW}`, '"watermark":null'),
      record.replace(`"watermark":${NOW}`, '"watermark":1.5'),
      record.replace(`"watermark":${NOW}`, '"watermark":-1'),
      record.replace(entry.key, entry.key.toUpperCase()),
      record.replace(entry.key, entry.key.slice(1)),
      record.replace(`"until":${NOW + 100}`, '"until":1e99'),
      record.replace(`"until":${NOW + 100}`, `"until":${NOW + REVOCATION_LIFE_MAX_SECONDS * 2}`),
      record + ' '.repeat(1_024),
    ]
    for (const text of garbage) assert.equal(parseRevocationRecord(text, NOW), null, text)
  })
})
