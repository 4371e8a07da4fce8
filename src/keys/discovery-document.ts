/** Where an issuer's metadata are, and what they say about its keys (OIDC Discovery, RFC 8414). */
import { isSameTemplate } from '../protocol/issuer-template.ts'
import { parseJsonDocument } from '../protocol/strict-json.ts'
import { isFetchableUrl } from './fetchable-url.ts'

export type DiscoveryOutcome =
  | {
      readonly ok: true
      readonly jwksUri: string
      /** `claims_supported`: names that ID tokens or userinfo may have. `null`: it does not say. */
      readonly claimsSupported: readonly string[] | null
    }
  | { readonly ok: false; readonly reason: DiscoveryRefusal }

/**
 * - `bad_discovery_document`: not a JSON object, or without `issuer` or `jwks_uri`.
 * - `issuer_mismatch`: it speaks for another issuer (OIDC Discovery §4.3).
 * - `insecure_url`: it names a `jwks_uri` that may not be fetched.
 */
export type DiscoveryRefusal = 'bad_discovery_document' | 'issuer_mismatch' | 'insecure_url'

/** Whose metadata they are. */
export interface DiscoveredIssuer {
  /** Below which they are. */
  readonly issuer: string
  /**
   * The issuer as it is configured, if it has a placeholder: metadata for all of its tenants name
   * it in that way. `null`: it has none.
   */
  readonly template: string | null
}

/** OIDC Discovery §4: below the issuer, whose own trailing slash is not doubled. */
export function openidConfigurationUrl(issuer: string): string {
  const base = issuer.endsWith('/') ? issuer.slice(0, -1) : issuer
  return `${base}/.well-known/openid-configuration`
}

/** RFC 8414 §3.1: between host and path. `null` when the issuer is not a URL. */
export function authorizationServerMetadataUrl(issuer: string): string | null {
  if (!URL.canParse(issuer)) return null
  const { origin, pathname } = new URL(issuer)
  const path = pathname.endsWith('/') ? pathname.slice(0, -1) : pathname
  return `${origin}/.well-known/oauth-authorization-server${path}`
}

/**
 * Parses a metadata document. `issuer` must be the configured one to the letter: otherwise one
 * tenant of a shared host could name the keys of another. Of an issuer with a placeholder it may be
 * the template itself, whatever that calls its placeholder.
 *
 * @param allowInsecureHttp Also accept a plain http `jwks_uri` on another machine. Plain http to
 * this machine is accepted only if the issuer itself is asked over plain http: a document fetched
 * over https must not send us to a port of our own.
 */
export function readDiscoveryDocument(
  document: Uint8Array,
  { issuer, template }: DiscoveredIssuer,
  allowInsecureHttp: boolean,
): DiscoveryOutcome {
  const metadata = parseJsonDocument(document)
  if (typeof metadata !== 'object' || metadata === null) return refused('bad_discovery_document')
  const members = new Map<string, unknown>(Object.entries(metadata))
  const jwksUri = members.get('jwks_uri')
  if (!members.has('issuer') || typeof jwksUri !== 'string') {
    return refused('bad_discovery_document')
  }
  const named = members.get('issuer')
  const isTemplate =
    template !== null && typeof named === 'string' && isSameTemplate(named, template)
  if (named !== issuer && !isTemplate) return refused('issuer_mismatch')
  const isDowngrade = issuer.startsWith('https:') && !jwksUri.startsWith('https:')
  if (isDowngrade && !allowInsecureHttp) return refused('insecure_url')
  return isFetchableUrl(jwksUri, allowInsecureHttp)
    ? { ok: true, jwksUri, claimsSupported: namesIn(members.get('claims_supported')) }
    : refused('insecure_url')
}

/** Of another type: it says nothing, and is no reason to refuse the document. */
function namesIn(value: unknown): readonly string[] | null {
  if (!Array.isArray(value)) return null
  return value.filter((name): name is string => typeof name === 'string')
}

function refused(reason: DiscoveryRefusal): DiscoveryOutcome {
  return { ok: false, reason }
}
