/** Both native backends, side by side: same tokens, same verdicts. */
import assert from 'node:assert/strict'
import { constants, sign } from 'node:crypto'
import { describe, it } from 'node:test'
import { JWS_ALGORITHM_TABLE, JWS_ALGORITHMS } from '../../src/protocol/jws-algorithms.ts'
import { createOpensslVerifier } from '../../src/verifiers/jwt/openssl-backend.ts'
import { createRustVerifier } from '../../src/verifiers/jwt/rust-backend.ts'
import type { SignatureKey } from '../../src/verifiers/jwt/signature-backend.ts'
import { VERDICT_FAILED, VERDICT_GOOD } from '../../src/verifiers/jwt/signature-batch.ts'
import { verifySignatures } from '../../src/verifiers/jwt/signature-worker.ts'
import {
  claimsText,
  encode,
  headerText,
  type MintingKey,
  mintKey,
  mintToken,
  signRaw,
} from '../support/mint-token.ts'

function signatureKey(key: MintingKey, algorithm = key.algorithm): SignatureKey {
  const { material } = key.verificationKey
  return material.kind === 'public'
    ? { algorithm, kind: 'public', spkiPem: material.spkiPem }
    : { algorithm, kind: 'secret', secret: material.secret }
}

const BACKENDS = [
  ['openssl', createOpensslVerifier],
  ['rust', createRustVerifier],
] as const

for (const [backend, createVerifier] of BACKENDS) {
  describe(`${backend} backend (RFC 7518 §3)`, () => {
    for (const algorithm of JWS_ALGORITHMS) {
      const isForOpensslAlone = algorithm === 'ES512' || algorithm.startsWith('HS')
      if (backend === 'rust' && isForOpensslAlone) continue

      it(`verifies ${algorithm} as jose signs it, and nothing else`, async () => {
        const key = mintKey(algorithm)
        const verifier = createVerifier(signatureKey(key))
        const token = await mintToken(key)
        assert.equal(verifier.verify(token), 'good')
        assert.equal(verifier.verify(await mintToken(mintKey(algorithm))), 'bad')
        const [header, payload, signature] = token.split('.')
        assert.equal(verifier.verify(`${header}.${encode('{"sub":"x"}')}.${signature}`), 'bad')
        assert.equal(verifier.verify(`${header}.${payload}.AAAA`), 'bad')
      })
    }

    it('cannot decide with a key of another type or curve, or with none', () => {
      const pairs = [
        ['RS256', 'ES256'],
        ['ES256', 'RS256'],
        ['ES384', 'ES256'],
        ['EdDSA', 'ES256'],
        ['RS256', 'HS256'],
        ['HS256', 'RS256'],
      ] as const
      for (const [minted, used] of pairs) {
        const key = mintKey(minted)
        const verifier = createVerifier(signatureKey(key, used))
        assert.equal(verifier.verify(signRaw(key, headerText(key), claimsText())), 'failed')
      }
      const broken = { algorithm: 'RS256', kind: 'public', spkiPem: 'no key' } as const
      assert.equal(createVerifier(broken).verify('e30.e30.AAAA'), 'failed')
    })

    it('refuses a PSS signature whose salt is not as long as the digest (RFC 7518 §3.5)', () => {
      const key = mintKey('PS256')
      const input = `${encode(headerText(key))}.${encode(claimsText())}`
      const signature = sign('sha256', Buffer.from(input), {
        key: key.signingKey as never,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: 20,
      })
      const verifier = createVerifier(signatureKey(key))
      assert.equal(verifier.verify(`${input}.${encode(signature)}`), 'bad')
    })

    it('verifies a token that is longer than the usual limit', () => {
      const key = mintKey('ES256')
      const long = signRaw(key, headerText(key), claimsText({ x: 'y'.repeat(40_000) }))
      assert.equal(createVerifier(signatureKey(key)).verify(long), 'good')
    })
  })
}

describe('the rust backend', () => {
  it('says about the signature only, whatever the claims are', () => {
    const key = mintKey('EdDSA')
    const verifier = createRustVerifier(signatureKey(key))
    const payloads = [
      '{}',
      'null',
      '{"exp":1,"nbf":99999999999,"iss":[],"aud":5}',
      '{"x":1e400}',
      '{"x":"\\ud800"}',
      `{"x":${'['.repeat(500)}${']'.repeat(500)}}`,
    ]
    for (const payload of payloads) {
      assert.equal(verifier.verify(signRaw(key, headerText(key), payload)), 'good', payload)
      const forged = signRaw(mintKey('EdDSA'), headerText(key), payload)
      assert.equal(verifier.verify(forged), 'bad', payload)
    }
  })
})

describe('the published example of RFC 7515 and RFC 8037', () => {
  it('verifies RFC 7515 §A.1 (HS256)', () => {
    const token =
      'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.' +
      'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.' +
      'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
    const secret = Buffer.from(
      'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
      'base64url',
    )
    const verifier = createOpensslVerifier({ algorithm: 'HS256', kind: 'secret', secret })
    assert.equal(verifier.verify(token), 'good')
  })

  it('verifies RFC 8037 §A.4 (Ed25519)', () => {
    const token =
      'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.' +
      'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg'
    const spkiPem =
      '-----BEGIN PUBLIC KEY-----\n' +
      `${Buffer.concat([
        Buffer.from('302a300506032b6570032100', 'hex'),
        Buffer.from('11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', 'base64url'),
      ]).toString('base64')}\n-----END PUBLIC KEY-----\n`
    for (const [, createVerifier] of BACKENDS) {
      const verifier = createVerifier({ algorithm: 'EdDSA', kind: 'public', spkiPem })
      assert.equal(verifier.verify(token), 'good')
    }
  })
})

describe('a batch in the worker', () => {
  it('takes the backend that the table names', () => {
    assert.equal(JWS_ALGORITHM_TABLE.RS256.backend, 'openssl')
    assert.equal(JWS_ALGORITHM_TABLE.EdDSA.backend, 'rust')
  })

  it('leaves a token undecided whose key is missing or unusable', () => {
    const key = mintKey('ES256')
    const token = signRaw(key, headerText(key), claimsText())
    const verdicts = verifySignatures({
      tokens: [token, token, token],
      keyIndexes: [0, 1, 2],
      keys: [
        { id: 1, key: signatureKey(key) },
        { id: 2, key: { algorithm: 'ES256', kind: 'public', spkiPem: 'no key' } },
      ],
    })
    assert.deepEqual([...verdicts], [VERDICT_GOOD, VERDICT_FAILED, VERDICT_FAILED])
  })

  it('keeps a bounded number of prepared keys and still knows each', () => {
    const key = mintKey('HS256')
    const token = signRaw(key, headerText(key), claimsText())
    for (let id = 1; id <= 3_000; id += 1) {
      const batch = { tokens: [token], keyIndexes: [0], keys: [{ id, key: signatureKey(key) }] }
      assert.deepEqual([...verifySignatures(batch)], [VERDICT_GOOD])
    }
  })
})
