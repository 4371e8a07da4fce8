/**
 * What reading a token costs on the event loop before its signature is checked, step by step. Run:
 * `node build/native-bench/compact-jws.js`.
 */
import { checkClaims, parseClaims } from '../src/protocol/claims.ts'
import { parseCompactJws } from '../src/protocol/compact-jws.ts'
import { ProtectedHeaderMemo, parseProtectedHeader } from '../src/protocol/protected-header.ts'
import { ISSUER_POLICY } from '../test/support/jwt-policy.ts'
import {
  claimsText,
  headerText,
  mintKey,
  NOW_SECONDS,
  signRaw,
} from '../test/support/mint-token.ts'
import { type BenchCase, runBench } from './bench.ts'

const KEY = mintKey('RS256')
const TOKENS = Array.from({ length: 256 }, (_, index) =>
  signRaw(KEY, headerText(KEY), claimsText({ n: index })),
)
const SEGMENTS = TOKENS.map((token) => token.split('.'))
const CLAIMS = SEGMENTS.map(([, payload]) => parseClaims(payload ?? ''))
const memo = new ProtectedHeaderMemo()

let sink: unknown = null

function repeated(name: string, step: (index: number) => unknown): BenchCase {
  const run = (times: number): void => {
    for (let index = 0; index < times; index += 1) sink = step(index & 0xff)
  }
  return { name, run, timesPerRound: 20_000 }
}

function read(index: number): unknown {
  const jws = parseCompactJws(TOKENS[index] ?? '')
  if (jws === null || memo.parse(jws.protectedHeader) === null) return null
  const claims = parseClaims(jws.payload)
  return claims === null ? null : checkClaims(claims, ISSUER_POLICY, NOW_SECONDS)
}

await runBench(`CPU for reading a token of ${TOKENS[0]?.length} characters`, [
  repeated('compact form', (index) => parseCompactJws(TOKENS[index] ?? '')),
  repeated('header, remembered', (index) => memo.parse(SEGMENTS[index]?.[0] ?? '')),
  repeated('header, parsed', (index) => parseProtectedHeader(SEGMENTS[index]?.[0] ?? '')),
  repeated('claims, parsed', (index) => parseClaims(SEGMENTS[index]?.[1] ?? '')),
  repeated('claims, checked', (index) => {
    return checkClaims(CLAIMS[index] ?? {}, ISSUER_POLICY, NOW_SECONDS)
  }),
  repeated('all of it', read),
])
if (sink === null) console.log('no result')
