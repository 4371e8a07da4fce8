/**
 * What finding the token of a request costs, by the shape of its header list. Run:
 * `node build/native-bench/bearer-token.js`.
 */
import { isB64Token } from '../src/credentials/bearer-token.ts'
import { AUTHORIZATION_BEARER } from '../src/credentials/credential-source.ts'
import { CredentialExtractor } from '../src/credentials/extract-credential.ts'
import { CredentialStripper } from '../src/credentials/strip-credential.ts'
import { type BenchCase, runBench } from './bench.ts'

const TOKEN = 'aZ09-_'.repeat(120)
const OTHERS = ['host', 'a', 'user-agent', 'b', 'accept', '*/*', 'connection', 'keep-alive']
const COOKIES = 'theme=dark; id=1234567890; consent=yes'

const extractor = new CredentialExtractor([AUTHORIZATION_BEARER], 8_192)
const stripper = new CredentialStripper([AUTHORIZATION_BEARER])
const cookies = new CredentialExtractor([{ kind: 'cookie', name: 'jwt' }], 8_192)

let sink: unknown = null

function extracting(from: CredentialExtractor, headers: readonly string[]): BenchCase['run'] {
  return (times) => {
    for (let index = 0; index < times; index += 1) sink = from.extract(headers, '')
  }
}

const withToken = [...OTHERS, 'authorization', `Bearer ${TOKEN}`]
const cases: BenchCase[] = [
  { name: 'no credential', run: extracting(extractor, OTHERS), timesPerRound: 200_000 },
  { name: 'bearer, 720 characters', run: extracting(extractor, withToken), timesPerRound: 50_000 },
  {
    name: 'its grammar, for a token that is not known',
    timesPerRound: 50_000,
    run: (times) => {
      for (let index = 0; index < times; index += 1) sink = isB64Token(TOKEN)
    },
  },
  {
    name: 'another scheme',
    run: extracting(extractor, [...OTHERS, 'authorization', 'Basic dXNlcjpwYXNz']),
    timesPerRound: 200_000,
  },
  {
    name: 'cookie, 720 characters',
    run: extracting(cookies, [...OTHERS, 'cookie', `${COOKIES}; jwt=${TOKEN}`]),
    timesPerRound: 50_000,
  },
  {
    name: 'stripping the header list',
    timesPerRound: 100_000,
    run: (times) => {
      for (let index = 0; index < times; index += 1) {
        for (let at = 0; at < withToken.length; at += 2) {
          sink = stripper.strippedValue(withToken[at] ?? '', withToken[at + 1] ?? '')
        }
      }
    },
  },
]

await runBench('CPU for finding the token of one request', cases)
void sink
