/**
 * `issuers.<name>.provider`: what tokens of well-known identity providers look like, one row each,
 * so that it need not be written out.
 *
 * A row stands for settings that could be written in the file, and whatever is written there wins.
 * It only says where things are and what must be there: it names no audience and no client, and
 * allows no algorithm and no type that issuers without a provider do not have.
 */
import { isJsonObject } from '../../../protocol/strict-json.ts'
import { mapping } from '../../section.ts'

type Settings = Readonly<Record<string, unknown>>

/** Of an object, the names of its members. */
type ClaimPlaces = string | readonly string[] | { readonly keysOf: string }
type PresetValue = boolean | ClaimPlaces

interface ProviderRow {
  readonly title: string
  /** As they would be written in the file; `claims` is completed claim by claim. */
  readonly settings: {
    readonly algorithms?: readonly string[]
    readonly types?: readonly string[]
    readonly requiredClaims?: readonly string[]
    readonly claims?: Readonly<Record<string, ClaimPlaces>>
    readonly jwks?: { readonly discovery: true }
  }
}

/** The key set is where the metadata of the issuer say. */
const jwks = { discovery: true } as const

export const PROVIDER_PRESETS = {
  keycloak: {
    title: 'Keycloak',
    settings: { jwks, claims: { roles: '/realm_access/roles' } },
  },
  auth0: {
    title: 'Auth0',
    // Permissions are the user's, scopes the client's: neither stands in for the other.
    settings: { jwks, algorithms: ['RS256'], claims: { roles: 'permissions' } },
  },
  okta: {
    title: 'Okta',
    // `cid` is in every access token and in no ID token.
    settings: {
      jwks,
      algorithms: ['RS256'],
      requiredClaims: ['sub', 'cid'],
      claims: { clientId: ['cid', 'client_id'], roles: 'groups', scopes: 'scp' },
    },
  },
  entra: {
    title: 'Microsoft Entra ID',
    // An ID token of an application that is its own API has the same `aud`, but no `azp`.
    settings: {
      jwks,
      algorithms: ['RS256'],
      requiredClaims: ['sub', 'tid', 'azp'],
      claims: { scopes: 'scp', tenant: 'tid' },
    },
  },
  cognito: {
    title: 'Amazon Cognito',
    settings: {
      jwks,
      algorithms: ['RS256'],
      requiredClaims: ['sub', 'client_id', 'token_use'],
      claims: { roles: 'cognito:groups' },
    },
  },
  google: {
    title: 'Google',
    settings: {
      jwks,
      algorithms: ['RS256'],
      requiredClaims: ['sub', 'azp'],
      claims: { organisation: 'hd' },
    },
  },
  adfs: {
    title: 'AD FS',
    // Its metadata are not below the issuer that access tokens name, so keys need `jwks.uri`.
    settings: {
      algorithms: ['RS256'],
      requiredClaims: ['appid'],
      claims: { subject: 'upn', clientId: ['appid', 'client_id'], roles: 'role', scopes: 'scp' },
    },
  },
  zitadel: {
    title: 'Zitadel',
    settings: {
      jwks,
      // Its ID tokens have no `jti`.
      requiredClaims: ['sub', 'jti'],
      claims: {
        roles: { keysOf: 'urn:zitadel:iam:org:project:roles' },
        organisation: 'urn:zitadel:iam:user:resourceowner:id',
      },
    },
  },
  hydra: {
    title: 'Ory Hydra',
    settings: {
      jwks,
      requiredClaims: ['sub', 'client_id'],
      claims: { scopes: ['scp', 'scope'] },
    },
  },
  kubernetes: {
    title: 'Kubernetes service accounts',
    // Its metadata answer only those who have a token, in most clusters.
    settings: {
      algorithms: ['RS256', 'ES256'],
      requiredClaims: ['sub', 'kubernetes.io'],
      claims: { organisation: '/kubernetes.io/namespace' },
    },
  },
} as const satisfies Readonly<Record<string, ProviderRow>>

export type ProviderName = keyof typeof PROVIDER_PRESETS

export const PROVIDER_NAMES = Object.keys(PROVIDER_PRESETS) as [ProviderName, ...ProviderName[]]

/** One setting that a provider gives an issuer, because the file does not say otherwise. */
export interface PresetSetting {
  /** Below the issuer: `claims.roles`. */
  readonly name: string
  /** As it would be written. */
  readonly value: PresetValue
}

/** What goes for all issuers of this provider, one row for each setting. */
export function presetSettings(provider: ProviderName): readonly PresetSetting[] {
  const { settings }: ProviderRow = PROVIDER_PRESETS[provider]
  const { jwks: keys = {}, claims = {}, ...rest } = settings
  return [...entriesOf('', rest), ...entriesOf('claims.', claims), ...entriesOf('jwks.', keys)]
}

/** `claims.roles: /realm_access/roles`: as it could be written, but for the indentation. */
export function describePreset({ name, value }: PresetSetting): string {
  return `${name}: ${describeValue(value)}`
}

function describeValue(value: PresetValue): string {
  if (typeof value !== 'object') return String(value)
  return 'keysOf' in value ? `{ keysOf: ${value.keysOf} }` : `[${value.join(', ')}]`
}

/**
 * What an issuer is given by its provider: nothing that it has itself.
 *
 * @param issuer As written in the file, well-formed or not. Not changed.
 */
export function presetsFor(issuer: unknown): readonly PresetSetting[] {
  const written = mapping(issuer)
  const { provider } = written
  if (!isProvider(provider)) return []
  return presetSettings(provider).filter(({ name }) => {
    return name === 'jwks.discovery' ? lacksKeys(written) : readSetting(written, name) === undefined
  })
}

/** The issuer with what {@link presetsFor} has found. Without any: as it is. */
export function withPresets(issuer: unknown, presets: readonly PresetSetting[]): unknown {
  if (presets.length === 0) return issuer
  const completed: Record<string, unknown> = { ...mapping(issuer) }
  for (const { name, value } of presets) {
    const [key = '', member] = name.split('.')
    const inner = completed[key]
    if (member === undefined) completed[key] = value
    else if (inner === undefined) completed[key] = { [member]: value }
    else if (isJsonObject(inner)) completed[key] = { ...mapping(inner), [member]: value }
  }
  return completed
}

function entriesOf(
  section: string,
  settings: Readonly<Record<string, PresetValue>>,
): readonly PresetSetting[] {
  return Object.entries(settings).map(([name, value]) => ({ name: section + name, value }))
}

/** Whether the file says nothing of where its keys are: a shared secret is a key as well. */
function lacksKeys(issuer: Settings): boolean {
  const { jwks: written = {}, secret, secretFile } = issuer
  if (!isJsonObject(written) || (secret ?? secretFile ?? null) !== null) return false
  const { uri, file, discovery } = mapping(written)
  return discovery === undefined && (uri ?? file ?? null) === null
}

function readSetting(issuer: Settings, name: string): unknown {
  const [key = '', member] = name.split('.')
  const value = issuer[key]
  if (member === undefined || value === undefined) return value
  return isJsonObject(value) ? mapping(value)[member] : value
}

function isProvider(value: unknown): value is ProviderName {
  return typeof value === 'string' && Object.hasOwn(PROVIDER_PRESETS, value)
}
