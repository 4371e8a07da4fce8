/**
 * The parts of an identity that credentials may give a caller beyond who it is: one row a part.
 *
 * Claims, the token cache, headers, internal tokens, records of sessions and API keys, settings,
 * the manual and the JSON Schema follow from these rows. A new part is a new row, and a line in
 * {@link readIdentity}.
 */
import type { KeptClaims } from './kept-claims.ts'

/**
 * - `text`: one text, or none.
 * - `texts`: a list of text. A claim may hold one text instead.
 * - `scopes`: a list of scope-tokens (RFC 6749 §3.3). A claim may hold them in one text.
 */
export type PartKind = 'text' | 'texts' | 'scopes'

interface PartRow {
  readonly kind: PartKind
  /** Whether it says who is calling, or something of the token: headers are in this order. */
  readonly about: 'caller' | 'token'
  /** For the manual; `item` is one of a list. */
  readonly title: string
  readonly item: string | null
  /** Default name of the claim that it is read from. */
  readonly claim: string
  /** Default name of the header that tells upstreams. */
  readonly header: string
  /** Member of the internal token. */
  readonly member: string
  /**
   * Member of records: of API keys, and of sessions, where it is the default of the JSON pointer as
   * well.
   */
  readonly record: string
  /** Whether a route may require it. */
  readonly isRequirable: boolean
  /** Why a token is refused in which the claim is of the wrong type. */
  readonly mistyped: `${string}_mistyped`
}

const ROWS = {
  email: {
    kind: 'text',
    about: 'caller',
    title: 'E-mail address',
    item: null,
    claim: 'email',
    header: 'X-User-Email',
    member: 'email',
    record: 'email',
    isRequirable: true,
    mistyped: 'email_mistyped',
  },
  roles: {
    kind: 'texts',
    about: 'caller',
    title: 'Roles',
    item: 'Role',
    claim: 'roles',
    header: 'X-User-Roles',
    member: 'roles',
    record: 'roles',
    isRequirable: true,
    mistyped: 'roles_mistyped',
  },
  scopes: {
    kind: 'scopes',
    about: 'token',
    title: 'Scopes',
    item: 'Scope',
    claim: 'scope',
    header: 'X-Token-Scopes',
    member: 'scopes',
    record: 'scopes',
    isRequirable: true,
    mistyped: 'scopes_mistyped',
  },
  tenant: {
    kind: 'text',
    about: 'caller',
    title: 'Tenant',
    item: null,
    claim: 'tenant_id',
    header: 'X-Tenant-Id',
    member: 'tenant_id',
    record: 'tenantId',
    isRequirable: true,
    mistyped: 'tenant_mistyped',
  },
  organisation: {
    kind: 'text',
    about: 'caller',
    title: 'Organisation',
    item: null,
    claim: 'org_id',
    header: 'X-Org-Id',
    member: 'org_id',
    record: 'organisationId',
    isRequirable: true,
    mistyped: 'organisation_mistyped',
  },
} as const satisfies Readonly<Record<string, PartRow>>

type Rows = typeof ROWS

export type PartName = keyof Rows

/** Names of the parts whose row says `About` at `about`. */
type PartNameAbout<About> = {
  [Name in PartName]: Rows[Name]['about'] extends About ? Name : never
}[PartName]

export type RequirablePart = {
  [Name in PartName]: Rows[Name]['isRequirable'] extends true ? Name : never
}[PartName]

export type MistypedReason = Rows[PartName]['mistyped']

/** `null` is a text that is not there; a list that is not there is empty. */
export type PartValue = string | null | readonly string[]

type ValueOf<Kind> = Kind extends 'text' ? string | null : readonly string[]

/** The parts as an identity has them. */
export type IdentityParts = { readonly [Name in PartName]: ValueOf<Rows[Name]['kind']> }

/** The parts as records have them. */
export type StoredParts = {
  readonly [Name in PartName as Rows[Name]['record']]: ValueOf<Rows[Name]['kind']>
}

/** A value for each part. */
type ByPart<Value> = { readonly [Name in PartName]: Value }

/** Where each part is somewhere, by default by its name; `null` where it is not there. */
export type PartNames<Name = string> = ByPart<Name | null>

/** What every identity has beside its parts. */
export interface IdentityCore {
  /**
   * `iss`: namespaces the subject wherever the subject is used as a key. Empty for a session or an
   * API key, which no issuer has issued.
   */
  readonly issuer: string
  /** Empty for a client that acts for itself, with `clientId` instead. */
  readonly subject: string
  /**
   * `client_id` or `azp`: the client that the credential was issued to; `null` when it names none.
   * Never a user: an issuer may call a client what a user is called (RFC 9068 §5).
   */
  readonly clientId: string | null
  /** Those of `aud` that any route asks for; empty where none does. */
  readonly audiences: readonly string[]
  /** `jti`, for revocation; `null` when the token has none. */
  readonly tokenId: string | null
  /** `sid`: never leaves the gateway except as a digest. */
  readonly sessionId: string | null
  /** `iat`, NumericDate; `null` when the token has none. */
  readonly issuedAtSeconds: number | null
  /**
   * `exp` exactly as issued, NumericDate, whole seconds rounded down; without clock tolerance.
   * `null` for a credential that names no end: an API key, or an introspected token without `exp`.
   */
  readonly expiresAtSeconds: number | null
  /** What the configuration asks for by path (kept-claims.ts). Empty where it asks nothing. */
  readonly claims: KeptClaims
}

/** Reads parts, each from where it is in a document; `null` is a part that is not there. */
export interface PartReader<Name = string> {
  /** Whether any part so far was there, and not of its kind: then nothing counts. */
  readonly isMistyped: boolean
  text(name: Name | null): string | null
  texts(name: Name | null): readonly string[]
  scopes(name: Name | null): readonly string[]
}

/**
 * Reads the parts in the order of the rows, each by the method of its kind.
 *
 * For every new token. The members are written out, because an object of known members is made in
 * a quarter of the time of one that is filled name by name. The compiler misses a row that has no
 * line here.
 *
 * @returns `null` when a part is mistyped.
 */
export function readIdentity<Name>(
  core: IdentityCore,
  names: PartNames<Name>,
  reader: PartReader<Name>,
): (IdentityCore & IdentityParts) | null {
  const identity = {
    issuer: core.issuer,
    subject: core.subject,
    email: reader.text(names.email),
    roles: reader.texts(names.roles),
    scopes: reader.scopes(names.scopes),
    tenant: reader.text(names.tenant),
    organisation: reader.text(names.organisation),
    clientId: core.clientId,
    audiences: core.audiences,
    tokenId: core.tokenId,
    sessionId: core.sessionId,
    issuedAtSeconds: core.issuedAtSeconds,
    expiresAtSeconds: core.expiresAtSeconds,
    claims: core.claims,
  }
  return reader.isMistyped ? null : identity
}

export interface IdentityPart extends PartRow {
  readonly name: PartName
}

/** In the order of the rows. */
export const IDENTITY_PARTS: readonly IdentityPart[] = Object.freeze(
  (Object.keys(ROWS) as PartName[]).map((name) => Object.freeze({ name, ...ROWS[name] })),
)

/** The same, those of one text each and those of lists. */
export const TEXT_PARTS = Object.freeze(IDENTITY_PARTS.filter(({ kind }) => kind === 'text'))
export const LIST_PARTS = Object.freeze(IDENTITY_PARTS.filter(({ kind }) => kind !== 'text'))

/** The same, in the order in which upstreams are told. */
export const CALLER_PARTS = Object.freeze(IDENTITY_PARTS.filter(({ about }) => about === 'caller'))
export const TOKEN_PARTS = Object.freeze(IDENTITY_PARTS.filter(({ about }) => about === 'token'))

/** One value for each part, by its name. */
export function byPart<Value>(valueFor: (part: IdentityPart) => Value): ByPart<Value> {
  return keyed(IDENTITY_PARTS, ({ name }) => name, valueFor) as ByPart<Value>
}

/** The same for the parts about the caller, or about the token. */
export function byPartAbout<const About extends PartRow['about'], Value>(
  about: About,
  valueFor: (part: IdentityPart) => Value,
): { readonly [Name in PartNameAbout<About>]: Value } {
  const parts = about === 'caller' ? CALLER_PARTS : TOKEN_PARTS
  return keyed(parts, ({ name }) => name, valueFor) as ByPart<Value>
}

/** One value for each part, by its member of records. */
export function byRecordMember<Text, List>(
  ofText: (part: IdentityPart) => Text,
  ofList: (part: IdentityPart) => List,
): {
  readonly [Name in PartName as Rows[Name]['record']]: Rows[Name]['kind'] extends 'text'
    ? Text
    : List
} {
  return keyed(
    IDENTITY_PARTS,
    ({ record }) => record,
    (part) => (part.kind === 'text' ? ofText(part) : ofList(part)),
  ) as ReturnType<typeof byRecordMember<Text, List>>
}

function keyed<Value>(
  parts: readonly IdentityPart[],
  keyOf: (part: IdentityPart) => string,
  valueFor: (part: IdentityPart) => Value,
): Readonly<Record<string, Value>> {
  return Object.fromEntries(parts.map((part) => [keyOf(part), valueFor(part)]))
}
