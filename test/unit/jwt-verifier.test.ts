/** From a token to a verdict: which key, which issuer, which answer when nothing can be decided. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { JWS_ALGORITHM_TABLE, JWS_ALGORITHMS } from '../../src/protocol/jws-algorithms.ts'
import { EMPTY_IDENTITY, refuse, type Verification } from '../../src/protocol/verification.ts'
import {
  compileJwtProfile,
  type JwtIssuerPolicy,
  JwtVerifier,
} from '../../src/verifiers/jwt/jwt-verifier.ts'
import type { SignatureChecker } from '../../src/verifiers/jwt/signature-pool.ts'
import { codeOf, createPool, ISSUER_POLICY } from '../support/jwt-policy.ts'
import {
  claimsText,
  headerText,
  ISSUER,
  mintKey,
  mintToken,
  NOW_SECONDS,
  signRaw,
} from '../support/mint-token.ts'
import { StaticKeySource } from '../support/static-key-source.ts'

const pool = createPool()
after(() => pool.close())

const EC = mintKey('ES256', 'ec')

function verifierWith(
  keys: StaticKeySource,
  signatures: SignatureChecker = pool,
): (token: string, policy?: Partial<JwtIssuerPolicy>) => Promise<Verification> {
  const verifier = new JwtVerifier({ keys, signatures, claimPaths: null })
  return (token, policy = {}) =>
    verifier.verify(token, compileJwtProfile([{ ...ISSUER_POLICY, ...policy }]), NOW_SECONDS)
}

describe('every algorithm (RFC 7518 §3.1, RFC 8037 §3.1)', () => {
  for (const algorithm of JWS_ALGORITHMS) {
    it(`verifies ${algorithm} tokens of another implementation, and refuses a foreign key`, async () => {
      const key = mintKey(algorithm, 'k')
      const verify = verifierWith(new StaticKeySource().setKeys('main', [key.verificationKey]))
      const policy = { algorithms: [algorithm] }
      assert.equal((await verify(await mintToken(key), policy)).kind, 'verified')
      const foreign = await mintToken(mintKey(algorithm, 'k'))
      assert.equal(codeOf(await verify(foreign, policy)), 'invalid_token')
    })
  }
})

describe('a verified token', () => {
  it('says who is calling, until when, and by which key', async () => {
    const verify = verifierWith(new StaticKeySource().setKeys('main', [EC.verificationKey]))
    assert.deepEqual(await verify(await mintToken(EC)), {
      kind: 'verified',
      identity: {
        ...EMPTY_IDENTITY,
        issuer: 'https://idp.example.com/',
        subject: 'user-123',
        email: 'someone@example.com',
        roles: ['admin', 'reader'],
        scopes: ['read', 'write'],
        tenant: 'acme',
        organisation: 'org-1',
        clientId: null,
        tokenId: '0b6c6c2e-8f5b-4c1f-9d7c-1f2a3b4c5d6e',
        sessionId: 'session-1',
        issuedAtSeconds: NOW_SECONDS - 60,
        expiresAtSeconds: NOW_SECONDS + 3_600,
      },
      deadAtSeconds: NOW_SECONDS + 3_605,
      keySlot: EC.verificationKey.generationSlot,
      keyGeneration: EC.verificationKey.generation,
    })
  })
})

describe('a refusal', () => {
  it('names the key under which a signature is bad, and no key for any other reason', async () => {
    const verify = verifierWith(new StaticKeySource().setKeys('main', [EC.verificationKey]))
    assert.deepEqual(await verify(await mintToken(mintKey('ES256', 'ec'))), {
      kind: 'refused',
      reason: 'signature_invalid',
      code: 'invalid_token',
      key: {
        slot: EC.verificationKey.generationSlot,
        generation: EC.verificationKey.generation,
      },
      detail: null,
    })
    const expired = await verify(await mintToken(EC, { exp: 1 }))
    assert.deepEqual(expired, refuse('token_expired'))
  })
})

describe('the issuers of a route', () => {
  const other = mintKey('ES256', 'ec')
  const policies = [
    ISSUER_POLICY,
    { ...ISSUER_POLICY, name: 'other', keySourceId: 'other', issuer: 'https://other.example.com/' },
  ]
  const keys = new StaticKeySource()
    .setKeys('main', [EC.verificationKey])
    .setKeys('other', [other.verificationKey])
  const verifier = new JwtVerifier({ keys, signatures: pool, claimPaths: null })
  const profile = compileJwtProfile(policies)

  it('are told apart by iss, and the same kid at two issuers is two keys', async () => {
    const iss = 'https://other.example.com/'
    const good = await mintToken(other, { iss })
    const verdict = await verifier.verify(good, profile, NOW_SECONDS)
    assert.equal(verdict.kind === 'verified' && verdict.identity.issuer, iss)
    const crossed = await mintToken(EC, { iss })
    const crossedVerdict = await verifier.verify(crossed, profile, NOW_SECONDS)
    assert.equal(codeOf(crossedVerdict), 'invalid_token')
  })

  it('cannot have one iss twice, or mix families of algorithms, or have none', () => {
    assert.throws(() => compileJwtProfile([ISSUER_POLICY, ISSUER_POLICY]))
    assert.throws(() => compileJwtProfile([{ ...ISSUER_POLICY, algorithms: ['RS256', 'HS256'] }]))
    assert.throws(() => compileJwtProfile([{ ...ISSUER_POLICY, algorithms: [] }]))
  })

  it('take untyped tokens for JWT, so that at+jwt alone refuses them (RFC 9068 §4)', async () => {
    const verify = verifierWith(keys)
    const untyped = await mintToken(EC, {}, { typ: undefined })
    assert.equal((await verify(untyped)).kind, 'verified')
    assert.equal(codeOf(await verify(untyped, { types: ['at+jwt'] })), 'invalid_token')
    const typed = await mintToken(EC, {}, { typ: 'at+jwt' })
    assert.equal((await verify(typed, { types: ['application/at+JWT'] })).kind, 'verified')
  })
})

describe('the key of a token (RFC 7515 §4.1.4)', () => {
  it('need not be named while up to eight keys fit the algorithm', async () => {
    const ed = mintKey('EdDSA', 'ed')
    const others = [1, 2, 3, 4, 5, 6, 7, 8].map(
      (at) => mintKey('ES256', `ec-${at}`).verificationKey,
    )
    const token = await mintToken(EC, {}, { kid: undefined })
    for (const [before, expected] of [
      [[ed.verificationKey], null],
      [others.slice(0, 1), null],
      [others.slice(0, 7), null],
      [others, 'invalid_token'],
    ] as const) {
      const keys = new StaticKeySource().setKeys('main', [...before, EC.verificationKey])
      const verdict = await verifierWith(keys)(token)
      assert.equal(codeOf(verdict), expected)
      if (verdict.kind === 'verified')
        assert.equal(verdict.keySlot, EC.verificationKey.generationSlot)
      assert.deepEqual(keys.refetches, verdict.kind === 'verified' ? [] : ['main/null'])
    }
  })

  it('need not be named, but one must fit, and a refusal under several rests on none', async () => {
    const ed = mintKey('EdDSA', 'ed').verificationKey
    const others = ['ec-1', 'ec-2'].map((keyId) => mintKey('ES256', keyId).verificationKey)
    const token = await mintToken(EC, {}, { kid: undefined })
    for (const [reason, published] of [
      ['key_unfit', [ed]],
      ['signature_invalid', others],
    ] as const) {
      const keys = new StaticKeySource().setKeys('main', published)
      const verdict = await verifierWith(keys)(token)
      assert.deepEqual(verdict, refuse(reason))
      assert.deepEqual(keys.refetches, ['main/null'])
    }
  })

  it('may have been replaced: what it did not verify is checked once more after a refetch', async () => {
    const named = mintKey('ES256', 'ec')
    const otherType = mintKey('EdDSA', 'ec')
    const unnamed = await mintToken(EC, {}, { kid: undefined })
    for (const token of [await mintToken(EC), unnamed]) {
      for (const before of [named, otherType]) {
        const keys = new StaticKeySource().setKeys('main', [before.verificationKey])
        keys.unknownKeyOutcome = 'refreshed'
        keys.onRefetch = () => keys.setKeys('main', [EC.verificationKey])
        assert.equal((await verifierWith(keys)(token)).kind, 'verified')
        assert.deepEqual(keys.refetches, ['main/null'])
      }
    }
  })

  it('leaves a signature undecided when no refetch can be had, unless the keys are newer', async () => {
    const forger = mintKey('ES256', 'ec')
    // The policy forgives a difference of five seconds between the clocks.
    const iat = NOW_SECONDS - 10
    for (const [askedAtSeconds, issuedAt, expected] of [
      [NOW_SECONDS - 5, iat, 'invalid_token'],
      [NOW_SECONDS - 5.1, iat, 'verifier_unavailable'],
      [NOW_SECONDS, undefined, 'verifier_unavailable'],
    ] as const) {
      const keys = new StaticKeySource()
      keys.setKeys('main', [EC.verificationKey], 'stale', { askedAtSeconds })
      keys.unknownKeyOutcome = 'unavailable'
      for (const kid of ['ec', undefined]) {
        const token = await mintToken(forger, { iat: issuedAt }, { kid })
        assert.equal(codeOf(await verifierWith(keys)(token)), expected)
      }
      const ofAnotherType = await mintToken(mintKey('EdDSA', 'ec'), { iat: issuedAt })
      assert.equal(codeOf(await verifierWith(keys)(ofAnotherType)), expected)
    }
  })

  it('uses keys that have arrived although its own refetch could not be had', async () => {
    const keys = new StaticKeySource()
    keys.setKeys('main', [mintKey('ES256', 'ec').verificationKey])
    keys.unknownKeyOutcome = 'unavailable'
    keys.onRefetch = () => keys.setKeys('main', [EC.verificationKey])
    assert.equal((await verifierWith(keys)(await mintToken(EC))).kind, 'verified')
  })

  it('leaves a bad signature bad after one refetch, also when that cannot be had', async () => {
    const forged = await mintToken(mintKey('ES256', 'ec'))
    for (const outcome of ['refreshed', 'unknown', 'unavailable'] as const) {
      const keys = new StaticKeySource().setKeys('main', [EC.verificationKey])
      keys.unknownKeyOutcome = outcome
      assert.equal(codeOf(await verifierWith(keys)(forged)), 'invalid_token')
      assert.deepEqual(keys.refetches, ['main/null'])
    }
  })

  it('of a shared secret is never fetched', async () => {
    const secret = mintKey('HS256', 'hmac')
    const keys = new StaticKeySource().setKeys('main', [secret.verificationKey])
    const verify = verifierWith(keys)
    const policy = { algorithms: ['HS256'] } as const
    assert.equal(
      codeOf(await verify(await mintToken(mintKey('HS256', 'hmac')), policy)),
      'invalid_token',
    )
    assert.deepEqual(keys.refetches, [])
  })

  it('may share its kid with a key of another type', async () => {
    const ed = mintKey('EdDSA', 'ec')
    const keys = new StaticKeySource().setKeys('main', [ed.verificationKey, EC.verificationKey])
    assert.equal((await verifierWith(keys)(await mintToken(EC))).kind, 'verified')
    assert.equal((await verifierWith(keys)(await mintToken(ed))).kind, 'verified')
  })

  it('is fetched once when unknown, and used when the refetch brought it', async () => {
    const keys = new StaticKeySource().setKeys('main', [])
    keys.unknownKeyOutcome = 'refreshed'
    keys.onRefetch = () => keys.setKeys('main', [EC.verificationKey])
    assert.equal((await verifierWith(keys)(await mintToken(EC))).kind, 'verified')
    assert.deepEqual(keys.refetches, ['main/ec'])
  })

  it('is unknown when the refetch did not bring it, and there is no second refetch', async () => {
    const keys = new StaticKeySource().setKeys('main', [])
    for (const outcome of ['refreshed', 'unknown'] as const) {
      keys.refetches.length = 0
      keys.unknownKeyOutcome = outcome
      const verdict = await verifierWith(keys)(await mintToken(EC))
      assert.equal(codeOf(verdict), 'unknown_signing_key')
      assert.deepEqual(keys.refetches, ['main/ec'])
    }
  })

  it('may not verify what it is not for, even after a refetch', async () => {
    const keys = new StaticKeySource().setKeys('main', [])
    keys.unknownKeyOutcome = 'refreshed'
    keys.onRefetch = () => keys.setKeys('main', [mintKey('EdDSA', 'ec').verificationKey])
    assert.equal(codeOf(await verifierWith(keys)(await mintToken(EC))), 'invalid_token')
  })

  it('is not asked for by a token that is refused anyway', async () => {
    const keys = new StaticKeySource().setKeys('main', [])
    const verify = verifierWith(keys)
    assert.equal(codeOf(await verify(await mintToken(EC, { exp: 1 }))), 'token_expired')
    assert.equal(codeOf(await verify(await mintToken(EC, { aud: 'x' }))), 'invalid_claims')
    assert.deepEqual(keys.refetches, [])
  })
})

describe('when nothing can be decided', () => {
  it('is unavailable, not unauthorised, without keys or with keys too old', async () => {
    const token = await mintToken(EC)
    const never = new StaticKeySource()
    assert.equal(codeOf(await verifierWith(never)(token)), 'verifier_unavailable')
    const dead = new StaticKeySource().setKeys('main', [EC.verificationKey], 'dead')
    assert.equal(codeOf(await verifierWith(dead)(token)), 'verifier_unavailable')
    assert.deepEqual([...never.refetches, ...dead.refetches], [])
  })

  it('is unavailable for tokens of a published key that has no place, and for no others', async () => {
    const crowdedOut = mintKey('ES256', 'crowded-out')
    const { algorithms } = crowdedOut.verificationKey
    const noKid = { kid: undefined }
    for (const keyId of ['crowded-out', null]) {
      const keys = new StaticKeySource()
      keys.setKeys('main', [EC.verificationKey], 'fresh', {
        withoutPlace: [{ keyId, algorithms, issuer: null }],
      })
      const verify = verifierWith(keys)
      const header = keyId === null ? noKid : {}
      const undecided = await verify(await mintToken(crowdedOut, {}, header))
      assert.equal(codeOf(undecided), 'verifier_unavailable')
      assert.equal((await verify(await mintToken(EC))).kind, 'verified')
      assert.equal((await verify(await mintToken(EC, {}, noKid))).kind, 'verified')
      assert.deepEqual(keys.refetches, [], 'a fetch would bring no place')
      const stray = await verify(await mintToken(mintKey('ES256', 'stray')))
      // A key without a kid may have signed a token with any.
      const ofStray = keyId === null ? 'verifier_unavailable' : 'unknown_signing_key'
      assert.equal(codeOf(stray), ofStray)
      const forged = await verify(await mintToken(mintKey('ES256', 'ec')))
      assert.equal(codeOf(forged), 'invalid_token')
    }
  })

  it('verifies with a stale set', async () => {
    const stale = new StaticKeySource().setKeys('main', [EC.verificationKey], 'stale')
    assert.equal((await verifierWith(stale)(await mintToken(EC))).kind, 'verified')
  })

  it('is unavailable when the refetch for an unknown kid fails', async () => {
    const keys = new StaticKeySource().setKeys('main', [])
    keys.unknownKeyOutcome = 'unavailable'
    const verdict = await verifierWith(keys)(await mintToken(EC))
    assert.equal(codeOf(verdict), 'verifier_unavailable')
  })

  it('is unavailable when the set died while the refetch ran', async () => {
    const keys = new StaticKeySource().setKeys('main', [])
    keys.unknownKeyOutcome = 'refreshed'
    keys.onRefetch = () => keys.setKeys('main', [EC.verificationKey], 'dead')
    const verdict = await verifierWith(keys)(await mintToken(EC))
    assert.equal(codeOf(verdict), 'verifier_unavailable')
  })

  it('says overloaded when the queue is full, and unavailable when a closed pool is asked', async () => {
    const keys = new StaticKeySource().setKeys('main', [EC.verificationKey])
    const full = createPool({ queueMax: 0 })
    const token = await mintToken(EC)
    assert.equal(codeOf(await verifierWith(keys, full)(token)), 'overloaded')
    await full.close()
    assert.equal(codeOf(await verifierWith(keys, full)(token)), 'verifier_unavailable')
  })
})

describe('a lightweight token, whose issuer is asked for the rest', () => {
  it('is verified by a key that is published for its issuer, and by none of another', async () => {
    const partial = { isPartial: true }
    const light = await mintToken(EC, { sub: undefined, aud: undefined })
    const verdictUnder = (issuer: string) => {
      const key = { ...EC.verificationKey, issuer }
      return verifierWith(new StaticKeySource().setKeys('main', [key]))(light, partial)
    }
    assert.equal((await verdictUnder(ISSUER)).kind, 'verified')
    assert.equal((await verdictUnder('https://{tenant}.example.com/')).kind, 'verified')
    for (const issuer of ['https://other.example.com/', 'https://idp.example.com']) {
      const verdict = await verdictUnder(issuer)
      assert.equal(verdict.kind === 'refused' && verdict.reason, 'key_issuer_mismatch')
    }
  })
})

describe('work for native code', () => {
  it('is not made by a signature of the wrong length', async () => {
    const handedOver = pool.tokenCount
    for (const algorithm of JWS_ALGORITHMS) {
      if (JWS_ALGORITHM_TABLE[algorithm].signatureBytes === null) continue
      const key = mintKey(algorithm, 'k')
      const verify = verifierWith(new StaticKeySource().setKeys('main', [key.verificationKey]))
      const token = signRaw(key, headerText(key), claimsText())
      const head = token.slice(0, token.lastIndexOf('.') + 1)
      const signature = Buffer.from(token.slice(head.length), 'base64url')
      for (const wrong of [signature.subarray(1), Buffer.concat([signature, signature])]) {
        const verdict = await verify(head + wrong.toString('base64url'), {
          algorithms: [algorithm],
        })
        assert.equal(codeOf(verdict), 'invalid_token')
      }
    }
    assert.equal(pool.tokenCount, handedOver)
  })
})
