/**
 * The whole verifier against another implementation: what the gateway accepts, jose accepts as
 * well, but for `nbf` and `iat` of null, and where only the gateway refuses there is a row that
 * says why. `PROPERTY_RUNS=100000`
 * for the long run.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Verification } from '../../src/protocol/verification.ts'
import { isMoreGenerous, joseDifferences, readToken } from '../support/jose-differences.ts'
import { JoseOracle } from '../support/jose-oracle.ts'
import { EC, ED, HMAC, HMAC_POLICY, RSA, usePool, verify } from '../support/jwt-attack-rig.ts'
import { ISSUER_POLICY } from '../support/jwt-policy.ts'
import {
  AUDIENCE,
  claimsText,
  headerText,
  ISSUER,
  type MintingKey,
  NOW_SECONDS,
  signRaw,
} from '../support/mint-token.ts'
import { propertyRuns } from '../support/property-runs.ts'
import {
  base64Spellings,
  bitFlips,
  changeCharacter,
  characterChanges,
  createSigner,
  editedTokens,
  segmentSwaps,
} from '../support/token-mutations.ts'

usePool()

const SIGNERS = [
  ...[RSA, EC, ED].map((key) => createSigner(key, ISSUER)),
  createSigner(HMAC, HMAC_POLICY.issuer),
]
const GOOD = SIGNERS.map(({ token }) => token)
const PUBLIC_KEYS = [RSA, EC, ED]
const algorithmById = (keys: readonly MintingKey[]) =>
  new Map(keys.map(({ keyId, algorithm }) => [keyId, algorithm]))
const DIFFERENCES = joseDifferences(
  new Map([
    [ISSUER, algorithmById(PUBLIC_KEYS)],
    [HMAC_POLICY.issuer, algorithmById([HMAC])],
  ]),
)

const oracle = new JoseOracle([
  { policy: ISSUER_POLICY, keys: PUBLIC_KEYS },
  { policy: HMAC_POLICY, keys: [HMAC] },
])

const anyToken = fc.oneof(
  { weight: 10, arbitrary: editedTokens(SIGNERS, ISSUER_POLICY.audiences) },
  { weight: 2, arbitrary: base64Spellings(SIGNERS) },
  { weight: 2, arbitrary: bitFlips(GOOD) },
  { weight: 1, arbitrary: segmentSwaps(GOOD) },
  { weight: 1, arbitrary: characterChanges(GOOD).map(changeCharacter) },
)

/** A token for each difference, by its name. */
function differentTokens(): Readonly<Record<string, string>> {
  const text = claimsText()
  const sign = (header: string, claims: string) => signRaw(ED, header, claims)
  const withClaims = (members: Record<string, unknown>) => sign(headerText(ED), claimsText(members))
  const withHeader = (members: Record<string, unknown>) => sign(headerText(ED, members), text)
  const lax = {
    'byte order mark': (json: string) => `\ufeff${json}`,
    depth: (json: string) => `${json.slice(0, -1)},"x":${'['.repeat(16)}${']'.repeat(16)}}`,
    'lone surrogate': (json: string) => `${json.slice(0, -1)},"x":"\\ud800"}`,
    'repeated name': (json: string) => `${json.slice(0, -1)},"x":1,"\\u0078":2}`,
  }
  const spelled = Object.entries(lax).flatMap(([problem, write]) => [
    [`header: ${problem}`, sign(write(headerText(ED)), text)],
    [`claims: ${problem}`, sign(headerText(ED), write(text))],
  ])
  return {
    ...(Object.fromEntries(spelled) as Record<string, string>),
    'another spelling of base64url': `${sign(headerText(ED), text)}==`,
    'kid that is no short printable text': withHeader({ kid: 7 }),
    'typ that is no text': withHeader({ typ: 1 }),
    'header with crit': withHeader({ crit: ['b64'], b64: true }),
    'header with b64': withHeader({ b64: true }),
    'header with zip': withHeader({ zip: 'DEF' }),
    'header with enc': withHeader({ enc: 'A256GCM' }),
    'typ of another kind of token': withHeader({ typ: 'dpop+jwt' }),
    'kid of no key': withHeader({ kid: 'other' }),
    'kid of a key for another algorithm': withHeader({ kid: RSA.keyId }),
    'audience of which a part is no text': withClaims({ aud: [AUDIENCE, 1] }),
    'subject of the wrong type': withClaims({ sub: 1 }),
    'jti of the wrong type': withClaims({ jti: 1 }),
    'sid of the wrong type': withClaims({ sid: 1 }),
    'client_id of the wrong type': withClaims({ client_id: 1.5 }),
    'azp of the wrong type': withClaims({ azp: [1] }),
    'email of the wrong type': withClaims({ email: {} }),
    'tenant_id of the wrong type': withClaims({ tenant_id: 1.5 }),
    'org_id of the wrong type': withClaims({ org_id: true }),
    'roles of the wrong type': withClaims({ roles: { admin: true } }),
    'scopes of the wrong type': withClaims({ scope: 1 }),
    'another kind of token': withClaims({ events: {} }),
    'exp before 1970 or beyond the year 9999': withClaims({ exp: 1e18 }),
    'nbf before 1970 or beyond the year 9999': withClaims({ nbf: -1 }),
    'iat before 1970 or beyond the year 9999': withClaims({ iat: -1 }),
    'issued in the future': withClaims({ iat: NOW_SECONDS + 60 }),
    'expires within the very second': withClaims({ exp: NOW_SECONDS - 4.5 }),
  }
}

/** The difference that explains why only the gateway refuses. */
function explanation(token: string, verdict: Verification): string {
  if (verdict.kind === 'verified') return 'none'
  const read = readToken(token)
  const row = DIFFERENCES.find((it) => it.reason === verdict.reason && it.holds(read))
  assert.ok(row !== undefined, `only the gateway refuses, for ${verdict.reason}: ${token}`)
  return row.name
}

describe('the JWT verifier and jose (RFC 7519 §7.2)', () => {
  it('disagree only where the gateway refuses on purpose', async () => {
    const seen = new Map<string, number>()
    const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)
    await fc.assert(
      fc.asyncProperty(anyToken, async (token) => {
        const verdict = await verify(token)
        assert.ok(verdict.kind !== 'refused' || verdict.code !== 'verifier_unavailable', token)
        const claims = await oracle.acceptedClaims(token, NOW_SECONDS)
        if (claims === null && verdict.kind === 'verified') {
          assert.ok(isMoreGenerous(readToken(token)), `only jose refuses ${token}`)
        } else if (claims === null) {
          count('both refuse')
        } else if (verdict.kind === 'refused') count(explanation(token, verdict))
        else {
          const { subject, issuer, expiresAtSeconds } = verdict.identity
          assert.deepEqual([subject, issuer], [claims.sub, claims.iss])
          assert.equal(expiresAtSeconds, Math.floor(claims.exp ?? 0))
          count('both accept')
        }
      }),
      { ...propertyRuns(2_000), examples: GOOD.map((token) => [token]) },
    )
    for (const what of ['both accept', 'both refuse']) {
      assert.ok((seen.get(what) ?? 0) > 100, JSON.stringify([...seen]))
    }
  })

  it('differ in each of these ways, and in no other that is listed', async () => {
    const tokens = differentTokens()
    assert.deepEqual(Object.keys(tokens).sort(), DIFFERENCES.map(({ name }) => name).sort())
    for (const [name, token] of Object.entries(tokens)) {
      assert.ok((await oracle.acceptedClaims(token, NOW_SECONDS)) !== null, name)
      assert.equal(explanation(token, await verify(token)), name)
    }
  })
})
