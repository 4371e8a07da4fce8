/**
 * The shared token cache: a hit in the memo, a hit that decodes, a miss, and a put. Run:
 * `node build/native-bench/token-cache.js`.
 */
import { EMPTY_IDENTITY, type Verified } from '../src/protocol/verification.ts'
import {
  createKeyGenerationsBuffer,
  KeyGenerationAllocator,
  KeyGenerations,
} from '../src/shared-memory/key-generations.ts'
import {
  createTokenCacheBuffer,
  MEMO_ENTRIES_DEFAULT,
  TokenCache,
} from '../src/token-cache/token-cache.ts'
import { profileKey, type TokenDigest, tokenDigest } from '../src/token-cache/token-digest.ts'
import { type BenchCase, runBench } from './bench.ts'

const NOW = 1_700_000_000
const TIMES_PER_ROUND = 100_000
const HOT = 1_000
const COLD = 50_000
const PROFILE = profileKey('issuers: bench; audience: bench; tenant: bench')

const keyBuffer = createKeyGenerationsBuffer(4_095)
const keys = new KeyGenerations(keyBuffer)
const key = new KeyGenerationAllocator(keyBuffer).allocate() ?? { slot: 0, generation: 0 }
const buffer = createTokenCacheBuffer(64)
const cache = new TokenCache<string>({ buffer, keys, memoEntries: MEMO_ENTRIES_DEFAULT })
/** With the smallest memo nearly every hit reads the shared entry and decodes it. */
const forgetful = new TokenCache<string>({ buffer, keys, memoEntries: 4 })

function verdict(subject: number): Verified {
  return {
    kind: 'verified',
    identity: {
      ...EMPTY_IDENTITY,
      issuer: 'https://login.example.com/realms/main',
      subject: `248289761001-${subject}`,
      email: `person-${subject}@example.com`,
      roles: ['admin', 'billing', 'support'],
      scopes: ['openid', 'profile', 'orders:read', 'orders:write'],
      tenant: 'acme',
      organisation: 'acme-europe',
      clientId: null,
      tokenId: `6f1f2c9e-4c1f-4f3e-9f10-${subject}`,
      sessionId: null,
      issuedAtSeconds: NOW,
      expiresAtSeconds: NOW + 3_600,
    },
    deadAtSeconds: NOW + 3_605,
    keySlot: key.slot,
    keyGeneration: key.generation,
  }
}

const digests: TokenDigest[] = []
const absent: TokenDigest[] = []
const verdicts: Verified[] = []
for (let subject = 0; subject < COLD; subject += 1) {
  digests.push(tokenDigest(PROFILE, `token-${subject}`))
  absent.push(tokenDigest(PROFILE, `absent-${subject}`))
  verdicts.push(verdict(subject))
}
for (let subject = 0; subject < COLD; subject += 1) {
  cache.put(digests[subject] as TokenDigest, verdicts[subject] as Verified, NOW)
}
let found = 0

function getCase(
  name: string,
  from: TokenCache<string>,
  keysOf: readonly TokenDigest[],
  distinct: number,
): BenchCase {
  const run = (times: number): void => {
    for (let time = 0; time < times; time += 1) {
      if (from.get(keysOf[time % distinct] as TokenDigest, NOW) !== null) found += 1
    }
  }
  return { name, run, timesPerRound: TIMES_PER_ROUND }
}

const putCase: BenchCase = {
  name: `put, ${COLD} tokens in turn`,
  run: (times) => {
    for (let time = 0; time < times; time += 1) {
      const subject = time % COLD
      cache.put(digests[subject] as TokenDigest, verdicts[subject] as Verified, NOW)
    }
  },
  timesPerRound: COLD,
}

const cases: BenchCase[] = [
  getCase('hit, memoised, 1 token', cache, digests, 1),
  getCase(`hit, memoised, ${HOT} tokens in turn`, cache, digests, HOT),
  getCase(`hit, copied and decoded, ${HOT} tokens`, forgetful, digests, HOT),
  getCase(`hit, copied and decoded, ${COLD} tokens`, forgetful, digests, COLD),
  getCase(`miss, ${HOT} tokens`, cache, absent, HOT),
  getCase(`miss, ${COLD} tokens`, cache, absent, COLD),
  putCase,
]
await runBench('token cache', cases, () => `found ${found}; ${JSON.stringify(cache.counters)}`)
