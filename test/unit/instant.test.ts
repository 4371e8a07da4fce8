/** One grammar of instants, wherever somebody writes one. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { apiKeysSection } from '../../src/config/sections/api-keys.ts'
import { byPart } from '../../src/protocol/identity-parts.ts'
import { NUMERIC_DATE_MAX_SECONDS } from '../../src/protocol/time-claims.ts'
import { parseRevocation } from '../../src/revocation/revocation-entry.ts'
import { parseApiKeyRecord } from '../../src/verifiers/api-key/api-key-record.ts'
import { expressSessionFormat } from '../../src/verifiers/session/express-session-format.ts'
import { SALLYPORT_FORMAT } from '../../src/verifiers/session/sallyport-format.ts'

const SECONDS = 1_800_000_000
/** 2027-01-15T08:00:00Z. */
const INSTANTS: readonly (number | string)[] = [
  SECONDS,
  SECONDS * 1_000,
  '2027-01-15T08:00:00Z',
  '2027-01-15T08:00:00.000Z',
  '2027-01-15T10:00:00+02:00',
  '2027-01-15t08:00:00z',
  '2027-01-15 08:00:00Z',
  // As databases and scripts write it: without seconds, or without a colon in the zone.
  '2027-01-15T08:00Z',
  '2027-01-15T10:00+02:00',
  '2027-01-15T08:00:00+0000',
  '2027-01-15T03:00:00.000-0500',
]
/** As people write "never". As milliseconds these would be instants of 1973 to 1978. */
const FAR_SECONDS = [1e11, 1e11 + 1, 200_000_000_000, NUMERIC_DATE_MAX_SECONDS]
const NONE: readonly unknown[] = [
  '1',
  '1800000000',
  'soon',
  '2027-01-15',
  '2027-01-15T08:00:00',
  '2027-01-15T08:00',
  '2027-01-15T08Z',
  '2027-01-15T08:00:00+02',
  '2027-01-15T08:00:00+2500',
  'Fri, 15 Jan 2027 08:00:00 GMT',
  '2027-02-30T00:00:00Z',
  '2027-01-15T24:00:00Z',
  '1969-12-31T23:59:59Z',
  -1,
  1e18,
  true,
  {},
]

/** What each place takes the value for; `null`: for none. */
const PLACES: readonly (readonly [string, (value: unknown) => number | null])[] = [
  [
    'the record of a session',
    (value) => {
      const text = JSON.stringify({ userId: 'u', expiresAt: value })
      const record = SALLYPORT_FORMAT.readRecord(text, 'id')
      return record?.kind === 'record' ? record.expiresAtSeconds : null
    },
  ],
  [
    'an express session',
    (value) => {
      const where = { userId: '/userId', ...byPart(() => null), createdAt: '/user/since' }
      const text = JSON.stringify({ userId: 'u', user: { since: value } })
      const record = expressSessionFormat([], where).readRecord(text, 'id')
      return record?.kind === 'record' ? record.createdAtSeconds : null
    },
  ],
  [
    'the record of an API key',
    (value) => {
      const record = parseApiKeyRecord(JSON.stringify({ userId: 'u', expiresAt: value }))
      return 'kind' in record ? null : record.expiresAtSeconds
    },
  ],
  [
    'a request to revoke',
    (value) => {
      const policy = { credentialLifeMaxSeconds: 60, clockToleranceSeconds: 0 }
      const body = { issuer: 'https://idp.example.com/', before: value }
      const parsed = parseRevocation(body, policy, SECONDS)
      return parsed.ok ? parsed.entry.watermarkSeconds : null
    },
  ],
]

describe('an instant', () => {
  for (const [place, read] of PLACES) {
    it(`is seconds, milliseconds or RFC 3339 text in ${place}`, () => {
      for (const value of INSTANTS) assert.equal(read(value), SECONDS, String(value))
    })

    it(`is nothing else in ${place}`, () => {
      for (const value of NONE) assert.equal(read(value), null, JSON.stringify(value))
    })
  }

  for (const [place, read] of PLACES.slice(0, 3)) {
    it(`is in seconds up to the year 9999 in ${place}`, () => {
      for (const value of FAR_SECONDS) assert.equal(read(value), value, String(value))
    })

    it(`is in milliseconds beyond that in ${place}`, () => {
      const firstMs = NUMERIC_DATE_MAX_SECONDS + 1
      assert.equal(read(firstMs), Math.floor(firstMs / 1_000))
      assert.equal(read(NUMERIC_DATE_MAX_SECONDS * 1_000), NUMERIC_DATE_MAX_SECONDS)
    })
  }

  it('is the same text in the list of API keys of the configuration', () => {
    const read = (expiresAt: unknown) => {
      const keys = [{ sha256: 'a'.repeat(64), userId: 'u', expiresAt }]
      return apiKeysSection.read({ keys }).settings?.keys[0]?.expiresAt ?? null
    }
    for (const value of INSTANTS.filter((value) => typeof value === 'string'))
      assert.equal(read(value), SECONDS, String(value))
    for (const value of NONE) assert.equal(read(value), null, JSON.stringify(value))
  })

  it('is rounded so that a credential ends early and a revocation covers more', () => {
    const [session, , apiKey, revocation] = PLACES.map(([, read]) => read)
    const value = '2027-01-15T07:59:59.5Z'
    assert.equal(session?.(value), SECONDS - 1)
    assert.equal(apiKey?.(value), SECONDS - 1)
    assert.equal(revocation?.(value), SECONDS)
  })
})
