/**
 * What an internal token costs: minting one, and using the one that is kept for an identity. Run:
 * `node build/native-bench/internal-token.js`.
 */
import { InternalTokenMinter, MintedToken } from '../src/identity/internal-token.ts'
import { generateSigningKey, type InternalTokenAlgorithm } from '../src/identity/signing-key.ts'
import { EMPTY_IDENTITY, type Verified } from '../src/protocol/verification.ts'
import { randomHex } from '../src/runtime/randomness.ts'
import { type BenchCase, runBench } from './bench.ts'

const NOW_SECONDS = 1_760_000_000
const OPTIONS = {
  issuer: 'gateway.internal',
  audience: 'internal-services',
  ttlSeconds: 300,
  claims: [],
}
/** Together they do not fit into the nearest cache of the processor. */
const IDENTITIES = 1_000

const MANY_ROLES = Array.from({ length: 60 }, (_, at) => `department-${at}:role-${at}`)

const verdicts = Array.from({ length: IDENTITIES }, (_, index) =>
  verdictOf(`user-${index}`, ['admin', 'reader']),
)
const large = verdicts.map(({ identity }) => verdictOf(identity.subject, MANY_ROLES))
let sink: unknown = null

function verdictOf(subject: string, roles: readonly string[]): Verified {
  return {
    kind: 'verified',
    identity: {
      ...EMPTY_IDENTITY,
      issuer: 'https://idp.example.com/',
      subject,
      email: `${subject}@example.com`,
      roles,
      scopes: ['read', 'write'],
      tenant: 'acme',
      organisation: 'org-1',
      clientId: null,
      tokenId: null,
      sessionId: null,
      issuedAtSeconds: NOW_SECONDS,
      expiresAtSeconds: NOW_SECONDS + 3_600,
    },
    deadAtSeconds: NOW_SECONDS + 3_605,
    keySlot: 0,
    keyGeneration: 1,
  }
}

function minting(
  algorithm: InternalTokenAlgorithm,
  shape: string,
  minted: readonly Verified[],
): BenchCase {
  const minter = new InternalTokenMinter(OPTIONS, generateSigningKey(algorithm), randomHex)
  return {
    name: `mint, ${algorithm}, ${shape}`,
    timesPerRound: 1_000,
    run: (times) => {
      for (let index = 0; index < times; index += 1) {
        sink = minter.mint(minted[index % IDENTITIES] as Verified, null, NOW_SECONDS)
      }
    },
  }
}

function using(): BenchCase {
  const minter = new InternalTokenMinter(OPTIONS, generateSigningKey('ES256'), randomHex)
  const slots = verdicts.map(() => new MintedToken())
  return {
    name: 'use the one that is kept',
    timesPerRound: 1_000_000,
    run: (times) => {
      for (let index = 0; index < times; index += 1) {
        const at = index % IDENTITIES
        const slot = slots[at] as MintedToken
        sink = minter.linesFor(slot, verdicts[at] as Verified, 'acme', NOW_SECONDS)
      }
    },
  }
}

await runBench('CPU for the internal token of one request', [
  minting('ES256', 'two roles', verdicts),
  minting('ES256', '60 roles', large),
  minting('EdDSA', 'two roles', verdicts),
  minting('EdDSA', '60 roles', large),
  using(),
])
if (sink === null) console.log('no result')
