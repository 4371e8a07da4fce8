/**
 * The check that every cache hit makes: with an empty index and with 100 000 revocations. Run:
 * `node build/native-bench/revocation.js`.
 */
import { EMPTY_IDENTITY, type Identity } from '../src/protocol/verification.ts'
import { createRevocationBuffer, RevocationIndex } from '../src/revocation/revocation-index.ts'
import {
  keyWordsOf,
  type RevocationKeys,
  revocationKey,
  revocationKeysOf,
} from '../src/revocation/revocation-key.ts'
import { RevocationReader } from '../src/revocation/revocation-reader.ts'
import { type BenchCase, runBench } from './bench.ts'

const NOW = 1_700_000_000
const UNTIL = NOW + 86_400
const REVOKED = 100_000
const ASKED = 10_000
const TIMES_PER_ROUND = 200_000
const ISSUER = 'https://login.example.com/realms/main'

function identity(number: number): Identity {
  return {
    ...EMPTY_IDENTITY,
    issuer: ISSUER,
    subject: `248289761001-${number}`,
    email: null,
    roles: [],
    scopes: [],
    tenant: null,
    organisation: null,
    clientId: null,
    tokenId: `6f1f2c9e-4c1f-4f3e-9f10-${number}`,
    sessionId: `session-${number}`,
    issuedAtSeconds: NOW,
    expiresAtSeconds: UNTIL,
  }
}

const CAPACITY = 262_144

function open(revocations: number) {
  const buffer = createRevocationBuffer(CAPACITY)
  const index = new RevocationIndex(buffer)
  for (let number = 0; number < revocations; number += 1) {
    const value = identity(number).tokenId ?? ''
    const key = revocationKey({ kind: 'jti', issuer: ISSUER, value })
    const told = { issuer: null, tellsIssuer: false }
    index.add({ kind: 'jti', key, ...told, watermarkSeconds: null, untilSeconds: UNTIL }, NOW)
  }
  return { index, reader: new RevocationReader(buffer) }
}

const empty = open(0)
const full = open(REVOKED)
let revoked = 0

function keysFrom(first: number): RevocationKeys[] {
  const all = Array.from({ length: ASKED }, (_, index) => revocationKeysOf(identity(first + index)))
  for (const keys of all) keyWordsOf(keys)
  return all
}

/** @param forgets Whether something was revoked before each question, so that it is searched. */
function askCase(
  name: string,
  reader: RevocationReader,
  asked: readonly RevocationKeys[],
  forgets: boolean,
): BenchCase {
  const run = (times: number): void => {
    for (let time = 0; time < times; time += 1) {
      const keys = asked[time % asked.length] as RevocationKeys
      if (forgets) keys.cleanEpoch = 0
      if (reader.isRevoked(keys, NOW)) revoked += 1
    }
  }
  return { name, run, timesPerRound: TIMES_PER_ROUND }
}

const clean = keysFrom(REVOKED)
const cleanInEmpty = keysFrom(REVOKED)
const firstAsked = identity(REVOKED)

const cases: BenchCase[] = [
  askCase('empty index, unchanged epoch', empty.reader, cleanInEmpty, false),
  askCase('empty index, changed epoch', empty.reader, cleanInEmpty, true),
  askCase(`${REVOKED}, clean, unchanged epoch`, full.reader, clean, false),
  askCase(`${REVOKED}, clean, changed epoch, one token`, full.reader, clean.slice(0, 1), true),
  askCase(`${REVOKED}, clean, changed epoch, ${ASKED} tokens`, full.reader, clean, true),
  askCase(`${REVOKED}, revoked, ${ASKED} tokens`, full.reader, keysFrom(0), false),
  {
    name: 'keys of a new identity',
    run: (times) => {
      for (let time = 0; time < times; time += 1) keyWordsOf(revocationKeysOf(firstAsked))
    },
    timesPerRound: 20_000,
  },
  {
    name: 'sweep of the whole table',
    run: (times) => {
      for (let time = 0; time < times; time += 1) full.index.sweep(NOW)
    },
    timesPerRound: 3,
  },
]
await runBench('revocation', cases, () => `revoked ${revoked}; ${full.index.size} entries`)
