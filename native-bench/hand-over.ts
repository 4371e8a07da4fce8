/**
 * What it costs to check a signature in another thread, beyond checking it here: by how many
 * requests are waiting at once. Run: `node build/native-bench/hand-over.js`.
 */
import { systemClock } from '../src/runtime/clock.ts'
import { compileJwtProfile, JwtVerifier } from '../src/verifiers/jwt/jwt-verifier.ts'
import { createOpensslVerifier } from '../src/verifiers/jwt/openssl-backend.ts'
import { SignaturePool } from '../src/verifiers/jwt/signature-pool.ts'
import { ISSUER_POLICY } from '../test/support/jwt-policy.ts'
import {
  claimsText,
  headerText,
  mintKey,
  NOW_SECONDS,
  signRaw,
} from '../test/support/mint-token.ts'
import { StaticKeySource } from '../test/support/static-key-source.ts'
import { type BenchCase, runBench } from './bench.ts'

const KEY = mintKey('RS256')
const MATERIAL = KEY.verificationKey.material
const TOKENS = Array.from({ length: 256 }, (_, index) =>
  signRaw(KEY, headerText(KEY), claimsText({ n: index })),
)
const TIMES_PER_ROUND = 2_048

const pool = new SignaturePool({
  threads: 1,
  batchMax: 32,
  queueMax: 8_192,
  queueWaitMaxMs: 5_000,
  batchDeadlineMs: 5_000,
  clock: systemClock,
  onWorkerProved: () => {},
  onWorkerLost: () => {},
})
const keys = new StaticKeySource().setKeys('main', [KEY.verificationKey])
const verifier = new JwtVerifier({ keys, signatures: pool, claimPaths: null })
const profile = compileJwtProfile([ISSUER_POLICY])
const inline = createOpensslVerifier({
  algorithm: 'RS256',
  kind: 'public',
  spkiPem: MATERIAL.kind === 'public' ? MATERIAL.spkiPem : '',
})

function token(index: number): string {
  return TOKENS[index % TOKENS.length] ?? ''
}

/** As many chains of one request after another as there are requests in flight. */
function concurrently(inFlight: number, verify: (index: number) => Promise<boolean>) {
  return async (times: number): Promise<void> => {
    let next = 0
    const chain = async (): Promise<void> => {
      while (next < times) {
        next += 1
        if (!(await verify(next))) throw new Error('not good')
      }
    }
    await Promise.all(Array.from({ length: inFlight }, chain))
  }
}

function throughPool(index: number): Promise<boolean> {
  return new Promise((resolve) => {
    pool.submit(token(index), KEY.verificationKey, 'RS256', (outcome) =>
      resolve(outcome === 'good'),
    )
  })
}

async function throughVerifier(index: number): Promise<boolean> {
  return (await verifier.verify(token(index), profile, NOW_SECONDS)).kind === 'verified'
}

const cases: BenchCase[] = [
  {
    name: 'inline',
    timesPerRound: TIMES_PER_ROUND,
    run: concurrently(1, (index) => Promise.resolve(inline.verify(token(index)) === 'good')),
  },
  ...[1, 8, 32, 64].map((inFlight) => ({
    name: `pool, ${inFlight} in flight`,
    timesPerRound: TIMES_PER_ROUND,
    run: concurrently(inFlight, throughPool),
  })),
  {
    name: 'whole verifier, 64 in flight',
    timesPerRound: TIMES_PER_ROUND,
    run: concurrently(64, throughVerifier),
  },
]

await pool.whenStarted(10_000)
await runBench('CPU of all threads for one RS256 token', cases, () => {
  return `mean batch ${(pool.tokenCount / pool.batchCount).toFixed(1)} tokens`
})
await pool.close()
