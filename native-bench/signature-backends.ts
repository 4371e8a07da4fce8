/**
 * What checking one signature costs with each backend and algorithm: the figures in
 * src/protocol/jws-algorithms.ts. Run: `node build/native-bench/signature-backends.js`.
 */
import { JWS_ALGORITHMS } from '../src/protocol/jws-algorithms.ts'
import { createOpensslVerifier } from '../src/verifiers/jwt/openssl-backend.ts'
import { createRustVerifier } from '../src/verifiers/jwt/rust-backend.ts'
import {
  type SignatureKey,
  type SignatureVerifier,
  UNUSABLE_KEY,
} from '../src/verifiers/jwt/signature-backend.ts'
import { claimsText, headerText, mintKey, signRaw } from '../test/support/mint-token.ts'
import { type BenchCase, runBench } from './bench.ts'
import { signatureCaseName } from './report/algorithm-table.ts'

const TOKENS = 32
/** ECDSA over the larger curves takes up to a millisecond. */
const SLOW = new Set(['ES384', 'ES512'])

function repeatVerify(verifier: SignatureVerifier, tokens: readonly string[]) {
  return (times: number): void => {
    for (let index = 0; index < times; index += 1) {
      if (verifier.verify(tokens[index % TOKENS] ?? '') !== 'good') throw new Error('not good')
    }
  }
}

const cases: BenchCase[] = []
for (const algorithm of JWS_ALGORITHMS) {
  const key = mintKey(algorithm)
  const { material } = key.verificationKey
  const signatureKey: SignatureKey =
    material.kind === 'public'
      ? { algorithm, kind: 'public', spkiPem: material.spkiPem }
      : { algorithm, kind: 'secret', secret: material.secret }
  const tokens = Array.from({ length: TOKENS }, (_, index) =>
    signRaw(key, headerText(key), claimsText({ n: index })),
  )
  const timesPerRound = SLOW.has(algorithm) ? 50 : 500
  const openssl = createOpensslVerifier(signatureKey)
  cases.push({
    name: signatureCaseName(algorithm, 'openssl'),
    run: repeatVerify(openssl, tokens),
    timesPerRound,
  })
  const rust = createRustVerifier(signatureKey)
  if (rust === UNUSABLE_KEY) continue
  cases.push({
    name: signatureCaseName(algorithm, 'rust'),
    run: repeatVerify(rust, tokens),
    timesPerRound,
  })
}

await runBench('CPU for one signature', cases)
