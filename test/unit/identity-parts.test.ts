/** Every part of an identity shows in each place that follows from the table of parts. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { answerSessions } from '../../src/admin/sessions.ts'
import { configurationManual } from '../../src/config/manual.ts'
import { configurationJsonSchema } from '../../src/config/schema.ts'
import { REQUIRABLE_CLAIMS, type RequirableClaim } from '../../src/decision/claim-grammar.ts'
import { compileClaimRule, satisfiesClaim } from '../../src/decision/require-claims.ts'
import { renderIdentityHeaders } from '../../src/identity/identity-headers.ts'
import { InternalTokenMinter } from '../../src/identity/internal-token.ts'
import { generateSigningKey } from '../../src/identity/signing-key.ts'
import { reservedFieldNames } from '../../src/identity/strip-identity-headers.ts'
import { checkClaims } from '../../src/protocol/claims.ts'
import { byPart, IDENTITY_PARTS, type IdentityPart } from '../../src/protocol/identity-parts.ts'
import { EVERY_PART_USED } from '../../src/protocol/stored-user.ts'
import {
  EMPTY_IDENTITY,
  type Identity,
  refuse,
  refuseNaming,
} from '../../src/protocol/verification.ts'
import { randomHex } from '../../src/runtime/randomness.ts'
import { decodeVerified, encodeVerified } from '../../src/token-cache/identity-codec.ts'
import { identityOfApiKey, parseApiKeyRecord } from '../../src/verifiers/api-key/api-key-record.ts'
import { expressSessionFormat } from '../../src/verifiers/session/express-session-format.ts'
import { MemorySessionStore } from '../../src/verifiers/session/memory-session-store.ts'
import { SALLYPORT_FORMAT, sallyportFormat } from '../../src/verifiers/session/sallyport-format.ts'
import { SessionRegistry } from '../../src/verifiers/session/session-registry.ts'
import { CLAIM_POLICY } from '../support/jwt-policy.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { AUDIENCE, ISSUER, NOW_SECONDS } from '../support/mint-token.ts'
import { verdict } from '../support/verdicts.ts'

const KEY = generateSigningKey('ES256')

/** A value of the part that no other part has. */
const NO_FACTS = { path: '/', headers: [] }

function sampleOf({ name, kind }: IdentityPart): string | readonly string[] {
  return kind === 'text' ? `the-${name}` : [`first-${name}`, `second-${name}`]
}

/** One part alone, as it is called somewhere. */
function only(name: string, value: unknown): Record<string, unknown> {
  return { [name]: value }
}

function identityWith(part: IdentityPart): Identity {
  return { ...EMPTY_IDENTITY, ...only(part.name, sampleOf(part)) }
}

/** What an identity holds besides nothing. */
function partsOf(identity: Identity): Record<string, unknown> {
  return Object.fromEntries(
    IDENTITY_PARTS.map(({ name }) => [name, identity[name]] as const).filter(
      ([, value]) => value !== null && value.length > 0,
    ),
  )
}

/** Asks an admin listener that has no session yet, about the user `u`. */
function emptySessions() {
  const clock = new ManualClock()
  const rules = {
    keyPrefix: '',
    keyHash: 'sha256',
    ttlSeconds: 60,
    absoluteTtlSeconds: 60,
  } as const
  const store = new MemorySessionStore(clock)
  const registry = new SessionRegistry(store, rules, clock, () => randomHex(16))
  return (method: string, body: Record<string, unknown> | null) => {
    const query = new URLSearchParams(method === 'GET' ? 'userId=u' : '')
    return answerSessions(registry, { method, reference: '', query, body, form: null })
  }
}

for (const part of IDENTITY_PARTS) {
  const value = sampleOf(part)
  const alone = only(part.name, value)
  const isText = part.kind === 'text'

  describe(`the part ${part.name} of an identity`, () => {
    it('is read from its claim, and from no other', () => {
      const times = { exp: NOW_SECONDS + 60, iat: NOW_SECONDS }
      const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'u', ...times, [part.claim]: value }
      const checked = checkClaims(claims, CLAIM_POLICY, NOW_SECONDS)
      assert.ok(checked.kind === 'checked')
      assert.deepEqual(partsOf(checked.identity), alone)
      const mistyped = checkClaims({ ...claims, [part.claim]: {} }, CLAIM_POLICY, NOW_SECONDS)
      assert.equal(mistyped.kind, 'refused')
      const sources = { ...CLAIM_POLICY.sources, [part.name]: null }
      const unread = checkClaims(claims, { ...CLAIM_POLICY, sources }, NOW_SECONDS)
      assert.ok(unread.kind === 'checked')
      assert.deepEqual(partsOf(unread.identity), {})
    })

    it('comes back from the token cache', () => {
      const bytes = Buffer.alloc(1_024)
      const length = encodeVerified({ ...verdict(), identity: identityWith(part) }, bytes)
      assert.deepEqual(decodeVerified(bytes, length)?.identity, identityWith(part))
    })

    it('is told in its header, which no client can send', () => {
      const silent = { userId: null, clientId: null, tenantPlan: null }
      const names = { ...silent, issuer: null, expires: null, sessionId: null }
      const list = renderIdentityHeaders(identityWith(part), {
        ...names,
        ...byPart(({ header }) => header),
      })
      assert.deepEqual(list, [part.header, isText ? value : (value as string[]).join(',')])
      assert.ok(reservedFieldNames([]).has(part.header.toLowerCase()))
    })

    it('is a member of the internal token', () => {
      const options = { issuer: 'gateway', audience: 'inside', ttlSeconds: 60, claims: [] }
      const minter = new InternalTokenMinter(options, KEY, randomHex)
      const token = minter.mint({ ...verdict(), identity: identityWith(part) }, null, NOW_SECONDS)
      const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')
      assert.deepEqual(JSON.parse(payload)[part.member], value)
    })

    it('is read from a session of either format', () => {
      const express = expressSessionFormat([], {
        userId: '/userId',
        ...byPart(({ record }) => `/data/${record}`),
        createdAt: null,
      })
      const data = only(part.record, value)
      for (const [format, stored] of [
        [SALLYPORT_FORMAT, data],
        [express, { data }],
      ] as const) {
        const record = format.readRecord(JSON.stringify({ userId: 'u', ...stored }), 'id')
        assert.ok(record?.kind === 'record')
        assert.deepEqual(partsOf(record.identity), alone)
      }
      const wrong = JSON.stringify({ userId: 'u', [part.record]: { x: 7 } })
      const refusal = refuse(`session_${part.name}_mistyped`)
      assert.equal(sallyportFormat(EVERY_PART_USED).readRecord(wrong, 'id'), refusal)
      assert.equal(SALLYPORT_FORMAT.readRecord(wrong, 'id').kind, 'record')
    })

    it('is read from the record of an API key', () => {
      const record = parseApiKeyRecord(JSON.stringify({ userId: 'u', [part.record]: value }))
      assert.ok(!('kind' in record))
      const identity = identityOfApiKey(record)
      assert.ok(!('kind' in identity))
      assert.deepEqual(partsOf(identity), alone)
      const wrong = JSON.stringify({ userId: 'u', [part.record]: { x: 7 } })
      const refused = refuseNaming('api_key_unreadable', part.record)
      assert.deepEqual(parseApiKeyRecord(wrong), refused)
    })

    it('is kept and shown by the admin listener', async () => {
      const askSessions = emptySessions()
      const create = await askSessions('POST', { userId: 'u', [part.record]: value })
      assert.equal(create.status, 201)
      assert.deepEqual(JSON.parse(create.body)[part.record], value)
      const list = await askSessions('GET', null)
      assert.deepEqual(JSON.parse(list.body).sessions[0][part.record], value)
      const wrong = await askSessions('POST', { userId: 'u', [part.record]: 7 })
      assert.match(wrong.body, new RegExp(`${part.record} must be`))
    })

    it('may be required by a route, where its row says so', () => {
      const claim = part.name as RequirableClaim
      assert.equal(REQUIRABLE_CLAIMS.includes(claim), part.isRequirable)
      const equals = isText ? (value as string) : (value[1] ?? '')
      const requirement = compileClaimRule({ claim, equals })
      assert.ok(satisfiesClaim(identityWith(part), requirement, NO_FACTS))
      assert.ok(!satisfiesClaim(EMPTY_IDENTITY, requirement, NO_FACTS))
    })

    it('has its settings in the manual and in the JSON Schema, with their defaults', () => {
      const manual = configurationManual()
      const schema = JSON.stringify(configurationJsonSchema())
      for (const [setting, fallback] of [
        [`issuers.<name>.claims.${part.name}`, part.claim],
        [`identity.headers.${part.name}`, part.header],
        [`sessions.pointers.${part.name}`, `/${part.record}`],
      ] as const) {
        const row = manual.split('\n').find((line) => line.startsWith(`| \`${setting}\` |`)) ?? ''
        assert.ok(row.includes(`\`${fallback}\``), setting)
        assert.ok(schema.includes(`"default":"${fallback}"`), setting)
      }
      assert.ok(manual.includes(`| \`apiKeys.keys[].${part.record}\` |`))
      const grammar = manual.split('\n').find((line) => line.includes('.require.claims[].claim`'))
      assert.equal(grammar?.includes(`\`${part.name}\``), part.isRequirable)
    })
  })
}

describe('the table of the parts of an identity', () => {
  it('gives no name twice', () => {
    for (const column of ['claim', 'header', 'member', 'record'] as const) {
      const names = IDENTITY_PARTS.map((part) => part[column].toLowerCase())
      assert.equal(new Set(names).size, names.length, column)
    }
  })
})
