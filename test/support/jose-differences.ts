/**
 * Where jose accepts a token and the gateway refuses it on purpose: one row a difference, with a
 * reason of the gateway's and what must be true of the token. A difference without a row is a bug
 * in one of the two. The one way in which the gateway is more generous is at the end.
 */
import { isAbsent } from '../../src/protocol/json-members.ts'
import type { RefusalReason } from '../../src/protocol/refusal-reason.ts'
import { CLAIM_POLICY } from './jwt-policy.ts'
import { NOW_SECONDS } from './mint-token.ts'
import { type JsonProblem, readReferenceBytes } from './reference-json.ts'

/** A token as a generous reader sees it. */
export interface ReadToken {
  readonly segments: readonly string[]
  readonly header: ReadDocument
  readonly claims: ReadDocument
}

interface ReadDocument {
  readonly members: Readonly<Record<string, unknown>>
  /** What a strict reader has against it. */
  readonly problem: JsonProblem | 'byte order mark' | null
}

export interface Difference {
  readonly name: string
  readonly reason: RefusalReason
  readonly holds: (token: ReadToken) => boolean
}

/** Algorithm by `kid`, by issuer. */
export type KnownKeys = ReadonlyMap<unknown, ReadonlyMap<unknown, string>>

export function joseDifferences(keys: KnownKeys): readonly Difference[] {
  return [...formDifferences(), ...headerDifferences(keys), ...claimDifferences()]
}

export function readToken(token: string): ReadToken {
  const segments = token.split('.')
  return {
    segments,
    header: readDocument(segments[0] ?? ''),
    claims: readDocument(segments[1] ?? ''),
  }
}

function readDocument(segment: string): ReadDocument {
  const bytes = Buffer.from(segment, 'base64url')
  const text = bytes.toString('utf8')
  const hasMark = text.startsWith('\ufeff')
  const strict = readReferenceBytes(bytes, true)
  const problem = hasMark ? 'byte order mark' : strict.ok ? null : strict.problem
  return { members: generouslyParsed(hasMark ? text.slice(1) : text), problem }
}

function generouslyParsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

const LAX_JSON: readonly ReadDocument['problem'][] = [
  'byte order mark',
  'depth',
  'lone surrogate',
  'repeated name',
]

function formDifferences(): readonly Difference[] {
  const documents = [
    ['header', 'token_header_malformed'],
    ['claims', 'token_claims_malformed'],
  ] as const
  return [
    {
      name: 'another spelling of base64url',
      reason: 'token_malformed',
      holds: ({ segments }) =>
        segments.some((it) => Buffer.from(it, 'base64url').toString('base64url') !== it),
    },
    ...documents.flatMap(([document, reason]) =>
      LAX_JSON.map((problem) => ({
        name: `${document}: ${problem}`,
        reason,
        holds: (token: ReadToken) => token[document].problem === problem,
      })),
    ),
  ]
}

const KEY_ID = /^[ -~]{1,256}$/
const CHANGES_MEANING = [
  ['crit', 'header_crit_refused'],
  ['b64', 'header_unencoded_refused'],
  ['zip', 'header_zip_refused'],
  ['enc', 'header_enc_refused'],
] as const

function headerDifferences(keys: KnownKeys): readonly Difference[] {
  const keyIdOf = ({ header }: ReadToken): unknown => header.members['kid']
  const algorithmOf = (token: ReadToken): string | undefined =>
    keys.get(token.claims.members['iss'])?.get(keyIdOf(token))
  return [
    {
      name: 'kid that is no short printable text',
      reason: 'header_kid_malformed',
      holds: (token) => {
        const keyId = keyIdOf(token)
        return isThere(keyId) && !(typeof keyId === 'string' && KEY_ID.test(keyId))
      },
    },
    {
      name: 'typ that is no text',
      reason: 'header_typ_malformed',
      holds: ({ header: { members } }) =>
        isThere(members['typ']) && typeof members['typ'] !== 'string',
    },
    ...CHANGES_MEANING.map(([name, reason]) => ({
      name: `header with ${name}`,
      reason,
      holds: ({ header }: ReadToken) => name in header.members,
    })),
    {
      name: 'typ of another kind of token',
      reason: 'type_not_allowed',
      holds: ({ header: { members } }) =>
        typeof members['typ'] === 'string' &&
        !/^(application\/)?(jwt|at\+jwt)$/i.test(members['typ']),
    },
    {
      name: 'kid of no key',
      reason: 'key_unknown',
      holds: (token) => isText(keyIdOf(token)) && algorithmOf(token) === undefined,
    },
    {
      name: 'kid of a key for another algorithm',
      reason: 'key_unfit',
      holds: (token) => {
        const algorithm = algorithmOf(token)
        return algorithm !== undefined && algorithm !== token.header.members['alg']
      },
    },
  ]
}

const NUMERIC_DATE_MAX_SECONDS = 253_402_300_799
const TIMES = ['exp', 'nbf', 'iat'] as const
/** Optional claims, why one that is no text is refused, and whether an integer counts as text. */
const TEXTS = [
  ['jti', 'jti_mistyped', false],
  ['sid', 'sid_mistyped', false],
  ['client_id', 'client_id_mistyped', true],
  ['azp', 'client_id_mistyped', true],
  ['email', 'email_mistyped', true],
  ['tenant_id', 'tenant_mistyped', true],
  ['org_id', 'organisation_mistyped', true],
] as const
const SCOPE_TOKEN = /^[!#-[\]-~]+$/

function claimDifferences(): readonly Difference[] {
  const tolerance = CLAIM_POLICY.clockToleranceSeconds
  return [
    {
      name: 'audience of which a part is no text',
      reason: 'audience_mismatch',
      holds: ({ claims: { members } }) => [members['aud']].flat().some((it) => !isText(it)),
    },
    {
      name: 'subject of the wrong type',
      reason: 'subject_mistyped',
      holds: ({ claims: { members } }) => !isText(members['sub']),
    },
    ...TEXTS.map(([name, reason, mayBeNumber]) => ({
      name: `${name} of the wrong type`,
      reason,
      holds: ({ claims: { members } }: ReadToken) =>
        isThere(members[name]) &&
        !isText(members[name]) &&
        !(mayBeNumber && Number.isSafeInteger(members[name])),
    })),
    {
      name: 'roles of the wrong type',
      reason: 'roles_mistyped',
      holds: ({ claims: { members } }) => !isListOf(members['roles'], () => true),
    },
    {
      name: 'scopes of the wrong type',
      reason: 'scopes_mistyped',
      holds: ({ claims: { members } }) =>
        !isListOf(scopesOf(members['scope']), (scope) => SCOPE_TOKEN.test(scope)),
    },
    {
      name: 'another kind of token',
      reason: 'foreign_kind_of_token',
      holds: ({ claims: { members } }) =>
        ['events', 'at_hash', 'c_hash'].some((name) => name in members) ||
        ['ID', 'Refresh', 'Offline', 'Logout'].some((use) => members['typ'] === use) ||
        ['id', 'refresh', 'id_token', 'refresh_token'].some((use) => members['token_use'] === use),
    },
    ...TIMES.map((name) => ({
      name: `${name} before 1970 or beyond the year 9999`,
      reason: `${name}_mistyped` as const,
      holds: ({ claims: { members } }: ReadToken) =>
        Number(members[name]) < 0 || Number(members[name]) > NUMERIC_DATE_MAX_SECONDS,
    })),
    {
      name: 'issued in the future',
      reason: 'issued_in_future',
      holds: ({ claims: { members } }) => Number(members['iat']) > NOW_SECONDS + tolerance,
    },
    {
      name: 'expires within the very second',
      reason: 'token_expired',
      holds: ({ claims: { members } }) =>
        Math.floor(Number(members['exp'])) + tolerance === NOW_SECONDS,
    },
  ]
}

function isThere(value: unknown): boolean {
  return value !== '' && !isAbsent(value)
}

/** Where the gateway accepts a token and jose does not: an instant that was never set. */
export function isMoreGenerous({ claims: { members } }: ReadToken): boolean {
  return (['nbf', 'iat'] as const).some((name) => name in members && isAbsent(members[name]))
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isListOf(value: unknown, isGood: (item: string) => boolean): boolean {
  if (!isThere(value)) return true
  return [value].flat().every((item) => isText(item) && isGood(item))
}

/** One text of several, between spaces; or a list of them. */
function scopesOf(value: unknown): unknown {
  return typeof value === 'string' ? value.split(' ').filter((scope) => scope !== '') : value
}
