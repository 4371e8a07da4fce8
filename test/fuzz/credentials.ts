/**
 * Fuzz target: where a request may carry a credential. The first line is the query, each of the
 * others a field. What the extractor finds, the stripper takes out, and no reader finds it then.
 */
import assert from 'node:assert/strict'
import type { CredentialSource } from '../../src/credentials/credential-source.ts'
import { CredentialExtractor } from '../../src/credentials/extract-credential.ts'
import { CredentialStripper } from '../../src/credentials/strip-credential.ts'
import type { Refused } from '../../src/protocol/verification.ts'
import type { Fields } from '../support/gateway-answer.ts'
import { QUERY_READERS } from '../support/query-readers.ts'

export const dictionary = [
  ...['\nauthorization: Bearer a', 'Bearer', 'bearer ', 'BEARER\t', 'Basic a', '\nx-token: a'],
  ...[
    '\ncookie: token=a',
    '; token=b',
    'token=',
    '=',
    ';',
    '&',
    'access_token=a',
    'access%5Ftoken',
  ],
  ...['access.token', 'ACCESS_TOKEN', 'access_token[]', '[access_token]', '%u005f', '+', '%00'],
  ...['a'.repeat(70), '\ncookie: ', '\nauthorization: ', ' ', '\t', '\xff', '%61ccess_token='],
]

const LENGTH_MAX = 64
const QUERY_NAME = 'access_token'
const SOURCES: readonly CredentialSource[] = [
  { kind: 'header', name: 'authorization', scheme: 'bearer' },
  { kind: 'header', name: 'x-token', scheme: null },
  { kind: 'cookie', name: 'token' },
  { kind: 'query', name: QUERY_NAME },
]
const extractor = new CredentialExtractor(SOURCES, LENGTH_MAX)
const stripper = new CredentialStripper(SOURCES)

export function fuzz(input: Uint8Array): string {
  const [query = '', ...lines] = Buffer.from(input).toString('latin1').split('\n')
  const fields = lines.map((line): readonly [string, string] => {
    const colon = Math.max(line.indexOf(':'), 0)
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  assert.equal(wordOf(extractor.extract(fields.flat(), '')), slowlyFound(fields))
  assertStripped(fields, query)
  const found = extractor.extract(fields.flat(), query)
  if (found === null) return 'none'
  if (typeof found !== 'string') return found.reason
  assert.ok(found !== '' && found.length <= LENGTH_MAX)
  return 'found'
}

function assertStripped(fields: Fields, query: string): void {
  const kept = fields.flatMap(([name, value]) => {
    const rest = stripper.strippedValue(name, value)
    assert.ok(rest === null || rest === value || name === 'cookie')
    return rest === null ? [] : [name, rest]
  })
  const keptQuery = stripper.strippedQuery(query)
  assert.ok(keptQuery.length <= query.length)
  // Of another scheme, and ambiguous: the request went no further than the extractor.
  const isTwice =
    kept.filter((text, index) => index % 2 === 0 && text === 'authorization').length > 1
  const left = extractor.extract(kept, keptQuery)
  assert.equal(wordOf(left), isTwice ? 'credential_repeated' : null)
  for (const [reader, namesOf] of Object.entries(QUERY_READERS)) {
    const names = namesOf(keptQuery).map((name) => name.toLowerCase())
    assert.ok(!names.includes(QUERY_NAME), `${reader} reads it in ${keptQuery}`)
  }
}

function wordOf(found: string | Refused | null): string | null {
  return found === null || typeof found === 'string' ? found : found.reason
}

const REASONS: ReadonlySet<string> = new Set([
  'credential_repeated',
  'credential_empty',
  'token_too_long',
])

/** The slow and obvious way. */
function slowlyFound(fields: Fields): string | null {
  if (fields.filter(([name]) => name === 'authorization').length > 1) return 'credential_repeated'
  const first = fields.findIndex(([name]) => name === 'cookie')
  return oneOf(
    fields.map(([name, value], place) => {
      if (name === 'cookie') return place === first ? foundInCookies(fields) : null
      return oneOf(foundInField(name, value))
    }),
  )
}

/** Equal cookies are one. */
function foundInCookies(fields: Fields): string | null {
  const pairs = fields
    .flatMap(([name, value]) => (name === 'cookie' ? value.split(';') : []))
    .map((pair) => pair.replace(/^[ \t]+|[ \t]+$/g, ''))
  const values = pairs
    .filter((pair) => pair.startsWith('token='))
    .map((pair) => pair.slice('token='.length))
    .filter((value) => value !== '""' && value !== '')
  const distinct = [...new Set(values)]
  if (distinct.length > 1) return 'credential_repeated'
  return oneOf(distinct.flatMap(limited))
}

/** The first refusal counts; of two credentials that are left before it, none does. */
function oneOf(found: readonly (string | null)[]): string | null {
  const words = found.filter((word) => word !== null)
  const refusal = words.findIndex((word) => REASONS.has(word))
  const credentials = refusal === -1 ? words : words.slice(0, refusal)
  if (credentials.length > 1) return 'credential_repeated'
  return words[Math.max(refusal, 0)] ?? null
}

function foundInField(name: string, value: string): readonly string[] {
  switch (name) {
    case 'authorization': {
      if (!/^bearer(?:[ \t]|$)/i.test(value)) return []
      if (value.length - 'Bearer '.length > LENGTH_MAX) return ['token_too_long']
      return [/^bearer +([^ ].*)$/is.exec(value)?.[1] ?? 'credential_empty']
    }
    case 'x-token':
      return limited(value)
    default:
      return []
  }
}

function limited(value: string): readonly string[] {
  if (value === '') return []
  return [value.length > LENGTH_MAX ? 'token_too_long' : value]
}
