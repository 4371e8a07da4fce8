/**
 * What bringing the path of one request into its canonical spelling costs, and looking through its
 * query, by what is in them. Run: `node build/native-bench/canonical-path.js`.
 */
import {
  canonicalPathWith,
  EMPTY_SEGMENTS,
  ENCODED_SLASHES,
  isAcceptableQuery,
  NO_FORMS,
} from '../src/http/canonical-path.ts'
import { type BenchCase, runBench } from './bench.ts'

const SAMPLES = 64
/** Of path and query, by default. */
const URL_BYTES_MAX = 8_192
const TIMES_PER_ROUND = 100_000
const LONG_TIMES_PER_ROUND = 2_000

let sink: unknown = null

/** Different texts of their own, as the parser makes them: no constants of this program. */
function samplesOf(text: string): readonly string[] {
  return Array.from({ length: SAMPLES }, (_, sample) =>
    Buffer.from(`${text}${sample % 10}`, 'latin1').toString('latin1'),
  )
}

function filled(piece: string): string {
  return piece.repeat(Math.floor(URL_BYTES_MAX / piece.length))
}

function canonicalising(
  name: string,
  path: string,
  { kept = NO_FORMS, isRefused = false, timesPerRound = TIMES_PER_ROUND } = {},
): BenchCase {
  const paths = samplesOf(path)
  const isNull = canonicalPathWith(paths[0] ?? '', kept) === null
  if (isNull !== isRefused) throw new Error(`${name}: ${path}`)
  const run = (times: number): void => {
    for (let index = 0; index < times; index += 1) {
      sink = canonicalPathWith(paths[index % SAMPLES] ?? '', kept)
    }
  }
  return { name, run, timesPerRound }
}

function querying(name: string, query: string, timesPerRound = TIMES_PER_ROUND): BenchCase {
  const queries = samplesOf(query)
  const run = (times: number): void => {
    for (let index = 0; index < times; index += 1)
      sink = isAcceptableQuery(queries[index % SAMPLES] ?? '')
  }
  return { name, run, timesPerRound }
}

const long = { timesPerRound: LONG_TIMES_PER_ROUND }

await runBench('CPU for the canonical path of one request', [
  canonicalising('canonical, 12 characters', '/api/orders/'),
  canonicalising(
    'canonical, 60 characters',
    `/api/v2/tenants/acme/orders/${'0197a3c4-'.repeat(3)}/x`,
  ),
  canonicalising('canonical, encoded UTF-8', '/api/products/caf%C3%A9/offers/%E6%97%A5%E6%9C%AC'),
  canonicalising('canonical, parameters behind ;', '/api/map;view=full/points;page=2'),
  canonicalising('canonical, 8 KiB', filled('/segment'), long),
  canonicalising('canonical, 8 KiB of encodings', `/${filled('%C3%A9')}`, long),
  canonicalising('rewritten, hex digits in lower case', '/api/products/caf%c3%a9/offers'),
  canonicalising('rewritten, a letter that was encoded', '/api/%75sers/248289761001'),
  canonicalising('rewritten, 8 KiB of encodings', `/${filled('%c3%a9')}`, long),
  canonicalising('refused, dot segment', '/api/../admin/users', { isRefused: true }),
  canonicalising('refused, encoded slash', '/api/@scope%2Fname', { isRefused: true }),
  canonicalising('kept, encoded slash', '/api/@scope%2Fname', { kept: ENCODED_SLASHES }),
  canonicalising('kept, empty segments', '/bucket//folder//object', { kept: EMPTY_SEGMENTS }),
  querying('query, 20 characters', 'page=3&sort=created_'),
  querying('query, 8 KiB', filled('key=value&'), LONG_TIMES_PER_ROUND),
])
void sink
