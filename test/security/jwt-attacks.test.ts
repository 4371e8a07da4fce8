/**
 * Attacks on algorithm and signature of a JWT that are known to have worked somewhere, against the
 * whole verifier with a real worker thread. A row: title, code that must answer, token.
 */
import assert from 'node:assert/strict'
import { createHmac, createPublicKey, sign } from 'node:crypto'
import { describe, it } from 'node:test'
import { JwtVerifier } from '../../src/verifiers/jwt/jwt-verifier.ts'
import {
  EC,
  ED,
  HMAC,
  HMAC_POLICY,
  pool,
  profile,
  type Row,
  RSA,
  refuses,
  usePool,
  verify,
  withClaims,
  withHeader,
} from '../support/jwt-attack-rig.ts'
import { codeOf } from '../support/jwt-policy.ts'
import {
  claimsText,
  encode,
  headerText,
  type MintingKey,
  mintKey,
  NOW_SECONDS,
  rawSignature,
  signRaw,
  verificationKey,
} from '../support/mint-token.ts'
import { StaticKeySource } from '../support/static-key-source.ts'

usePool()

const good = signRaw(RSA, headerText(RSA), claimsText())
const [goodHeader = '', goodPayload = '', goodSignature = ''] = good.split('.')
const goodEc = signRaw(EC, headerText(EC), claimsText())
const goodEcInput = goodEc.slice(0, goodEc.lastIndexOf('.'))
const FOREIGN = mintKey('RS256', 'rsa')

function unsigned(header: string, signature = ''): string {
  return `${encode(header)}.${goodPayload}.${signature}`
}

/** The classic confusion: a public key's text as the secret of an HMAC. */
function confused(secret: string | Uint8Array): string {
  const input = `${encode(headerText(RSA, { alg: 'HS256' }))}.${goodPayload}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

function publicPem(key: MintingKey): string {
  const { material } = key.verificationKey
  return material.kind === 'public' ? material.spkiPem : ''
}

describe('the tokens that the attacks start from', () => {
  for (const key of [RSA, EC, ED]) {
    it(`passes with ${key.algorithm}, or the refusals below would prove nothing`, async () => {
      const verdict = await verify(signRaw(key, headerText(key), claimsText()))
      assert.equal(verdict.kind === 'verified' && verdict.identity.subject, 'user-123')
    })
  }

  it('passes with HS256 at the issuer that shares a secret', async () => {
    const claims = claimsText({ iss: HMAC_POLICY.issuer })
    assert.equal((await verify(signRaw(HMAC, headerText(HMAC), claims))).kind, 'verified')
  })
})

describe('attacks on the algorithm (RFC 8725 §2.1, §3.1)', () => {
  const noneRows = ['none', 'None', 'NONE', 'nOnE', 'none ', '', 'null'].flatMap((alg): Row[] => [
    [
      `refuses alg ${JSON.stringify(alg)} without signature`,
      'invalid_token',
      unsigned(headerText(RSA, { alg })),
    ],
    [
      `refuses alg ${JSON.stringify(alg)} with signature`,
      'invalid_token',
      unsigned(headerText(RSA, { alg }), goodSignature),
    ],
  ])
  const der = createPublicKey(publicPem(RSA)).export({ type: 'spki', format: 'der' })
  refuses([
    ...noneRows,
    ['refuses HS256 over the PEM of the public key', 'invalid_token', confused(publicPem(RSA))],
    ['refuses HS256 over the trimmed PEM', 'invalid_token', confused(publicPem(RSA).trim())],
    ['refuses HS256 over the DER of the public key', 'invalid_token', confused(der)],
    ['refuses HS256 with an empty secret', 'invalid_token', confused('')],
    [
      'refuses an EC signature under the kid of an RSA key',
      'invalid_token',
      signRaw(EC, headerText(EC, { kid: 'rsa' }), claimsText()),
    ],
    [
      'refuses alg RS256 under the kid of an EC key',
      'invalid_token',
      signRaw(RSA, headerText(RSA, { kid: 'ec' }), claimsText()),
    ],
    [
      'refuses alg EdDSA under the kid of an EC key',
      'invalid_token',
      signRaw(ED, headerText(ED, { kid: 'ec' }), claimsText()),
    ],
    [
      'refuses an algorithm that the issuer does not list',
      'invalid_token',
      signRaw(mintKey('PS256', 'rsa'), '{"alg":"PS256","kid":"rsa"}', claimsText()),
    ],
    ['refuses a header without alg', 'invalid_token', withHeader({ alg: undefined })],
    ['refuses alg as an array', 'invalid_token', withHeader({ alg: ['RS256'] })],
    ['refuses alg as a number', 'invalid_token', withHeader({ alg: 256 })],
    ['refuses alg null', 'invalid_token', withHeader({ alg: null })],
    ['refuses alg in lower case', 'invalid_token', withHeader({ alg: 'rs256' })],
    [
      'refuses alg that is a property of every object',
      'invalid_token',
      withHeader({ alg: 'constructor' }),
    ],
    ['refuses ES256K', 'invalid_token', withHeader({ alg: 'ES256K' })],
    [
      'refuses a duplicate alg, good one last',
      'invalid_token',
      signRaw(RSA, '{"alg":"none","alg":"RS256","kid":"rsa"}', claimsText()),
    ],
    [
      'refuses a duplicate alg, good one first',
      'invalid_token',
      signRaw(RSA, '{"alg":"RS256","kid":"rsa","alg":"none"}', claimsText()),
    ],
    [
      'refuses a duplicate alg in an escaped spelling',
      'invalid_token',
      signRaw(RSA, '{"alg":"RS256","kid":"rsa","\\u0061lg":"none"}', claimsText()),
    ],
    [
      'refuses an HMAC token of the shared secret at the issuer with public keys',
      'invalid_token',
      signRaw(HMAC, headerText(HMAC), claimsText()),
    ],
    [
      'refuses a public-key token at the issuer with the shared secret',
      'invalid_token',
      withClaims({ iss: HMAC_POLICY.issuer }),
    ],
  ])
})

describe('attacks on the signature (RFC 7515 §5.2)', () => {
  const flip = `${goodSignature.slice(0, 20)}${goodSignature[20] === 'A' ? 'B' : 'A'}${goodSignature.slice(21)}`
  const derSignature = sign('sha256', Buffer.from(goodEcInput), EC.signingKey as never)
  const head = `${goodHeader}.${goodPayload}`
  // A 256-byte signature ends in a character with four unused bits: A, Q, g or w.
  const looseEnd = String.fromCharCode(goodSignature.charCodeAt(goodSignature.length - 1) + 1)
  refuses([
    ['refuses an empty signature', 'invalid_token', `${head}.`],
    ['refuses a missing signature', 'invalid_token', head],
    ['refuses a truncated signature', 'invalid_token', good.slice(0, -4)],
    ['refuses a lengthened signature', 'invalid_token', `${good.slice(0, -2)}AAAAAA`],
    ['refuses a signature with one character changed', 'invalid_token', `${head}.${flip}`],
    [
      'refuses a signature of another key',
      'invalid_token',
      signRaw(FOREIGN, headerText(FOREIGN), claimsText()),
    ],
    [
      'refuses a signature of another payload',
      'invalid_token',
      `${goodHeader}.${encode(claimsText({ sub: 'root' }))}.${goodSignature}`,
    ],
    [
      'refuses a signature of another header',
      'invalid_token',
      `${encode(headerText(RSA, { a: 1 }))}.${goodPayload}.${goodSignature}`,
    ],
    [
      'refuses an RSA signature of zeros',
      'invalid_token',
      `${head}.${encode(new Uint8Array(256))}`,
    ],
    [
      'refuses r = s = 0 (psychic signature)',
      'invalid_token',
      `${goodEcInput}.${encode(new Uint8Array(64))}`,
    ],
    [
      'refuses r = s = n (psychic signature, modulo the order)',
      'invalid_token',
      `${goodEcInput}.${encode(twice('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'))}`,
    ],
    [
      'refuses an ECDSA signature in DER',
      'invalid_token',
      `${goodEcInput}.${encode(derSignature)}`,
    ],
    ['refuses an Ed25519 signature of zeros', 'invalid_token', withZeroSignature(ED, 64)],
    ['refuses non-zero trailing bits', 'invalid_token', `${good.slice(0, -1)}${looseEnd}`],
    ['refuses padding', 'invalid_token', `${good}==`],
    [
      'refuses padding of the header',
      'invalid_token',
      `${goodHeader}=.${goodPayload}.${goodSignature}`,
    ],
    [
      'refuses the standard base64 alphabet',
      'invalid_token',
      `${head}.${goodSignature.slice(0, -4)}+/AA`,
    ],
    ['refuses a newline at the end', 'invalid_token', `${good}\n`],
    [
      'refuses a newline within',
      'invalid_token',
      `${head}.${goodSignature.slice(0, 8)}\n${goodSignature.slice(8)}`,
    ],
    ['refuses NUL', 'invalid_token', `${good}\0`],
    ['refuses a space', 'invalid_token', ` ${good}`],
    [
      'refuses a character beyond Latin-1 that would lose its high byte',
      'invalid_token',
      `${good.slice(0, -1)}${String.fromCharCode(0x100 + good.charCodeAt(good.length - 1))}`,
    ],
    ['refuses a fourth segment', 'invalid_token', `${good}.AAAA`],
    ['refuses an empty fourth segment', 'invalid_token', `${good}.`],
    ['refuses a JWE', 'invalid_token', `${good}.AAAA.AAAA`],
    ['refuses an empty token', 'invalid_token', ''],
    ['refuses dots alone', 'invalid_token', '..'],
    ['refuses an empty header', 'invalid_token', `.${goodPayload}.${goodSignature}`],
    ['refuses an empty payload', 'invalid_token', `${goodHeader}..${goodSignature}`],
    [
      'refuses the JSON serialization',
      'invalid_token',
      JSON.stringify({ payload: goodPayload, signature: goodSignature }),
    ],
  ])
})

function twice(hex: string): Uint8Array {
  return Buffer.from(hex + hex, 'hex')
}

function withZeroSignature(key: MintingKey, bytes: number): string {
  return `${encode(headerText(key))}.${goodPayload}.${encode(new Uint8Array(bytes))}`
}

describe('attacks by size', () => {
  it('answers a token of 1 MiB that is not one without asking a worker', async () => {
    const handedOver = pool.tokenCount
    for (const token of ['A'.repeat(2 ** 20), `${'A'.repeat(2 ** 20)}.e30.AAAA`]) {
      assert.equal(codeOf(await verify(token)), 'invalid_token')
    }
    assert.equal(pool.tokenCount, handedOver)
  })

  it('answers payloads nested to the limit of their size', async () => {
    const payload = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    const verdict = await verify(signRaw(RSA, headerText(RSA), payload))
    assert.equal(codeOf(verdict), 'invalid_token')
  })
})

describe('what verifies although one might wish it did not', () => {
  it('ECDSA malleability: (r, n − s) is the same statement, so tokens are never told apart by hash', async () => {
    const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
    const signature = Buffer.from(rawSignature(EC, goodEcInput))
    const s = BigInt(`0x${signature.subarray(32).toString('hex')}`)
    signature.write((order - s).toString(16).padStart(64, '0'), 32, 'hex')
    assert.equal((await verify(`${goodEcInput}.${encode(signature)}`)).kind, 'verified')
  })
})

describe('a key that is not what its place in the set says', () => {
  it('is undecided, not a verdict, when an RSA key stands as a key for ES256 or EdDSA', async () => {
    const { material } = RSA.verificationKey
    for (const [key, algorithm] of [
      [EC, 'ES256'],
      [ED, 'EdDSA'],
    ] as const) {
      const wrong = verificationKey(algorithm, key.keyId, material)
      const source = new StaticKeySource().setKeys('main', [wrong])
      const lenient = new JwtVerifier({ keys: source, signatures: pool, claimPaths: null })
      const token = signRaw(key, headerText(key), claimsText())
      const verdict = await lenient.verify(token, profile, NOW_SECONDS)
      assert.equal(codeOf(verdict), 'verifier_unavailable')
    }
  })

  it('never takes a public key for an HMAC secret', async () => {
    const wrong = verificationKey('HS256', 'hmac', RSA.verificationKey.material)
    const source = new StaticKeySource().setKeys('shared', [wrong])
    const lenient = new JwtVerifier({ keys: source, signatures: pool, claimPaths: null })
    const input = `${encode(headerText(HMAC))}.${encode(claimsText({ iss: HMAC_POLICY.issuer }))}`
    const mac = createHmac('sha256', publicPem(RSA)).update(input).digest('base64url')
    const verdict = await lenient.verify(`${input}.${mac}`, profile, NOW_SECONDS)
    assert.equal(codeOf(verdict), 'verifier_unavailable')
  })
})
