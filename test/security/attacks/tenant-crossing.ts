/**
 * Credentials of one tenant at another, and requests that name one tenant to the gateway and
 * another to the service behind it (CWE-639, CWE-863).
 */
import type { Fields } from '../../support/gateway-answer.ts'
import { tenantToken } from '../../support/tenant-issuers.ts'
import type { Refusal } from './attack.ts'

export type TenantCrossing = readonly [name: string, answer: Refusal, path: string, fields: Fields]

/** For `TENANT_ISSUERS`; `acme` is the tenant that is attacked. */
export const CROSSED_TENANTS = {
  resolve: [
    { from: 'subdomain', pattern: '{tenant}.api.test' },
    { from: 'path', pattern: '/tenants/{tenant}/*' },
    { from: 'header', name: 'X-Tenant-Id' },
    { from: 'claim' },
  ],
  registry: {
    acme: { issuers: ['main'], allowedOrigins: ['https://acme.example'] },
    globex: { issuers: ['main', 'own'] },
    initech: { status: 'suspended', issuers: ['main'] },
  },
}

export interface StoredCredentials {
  /** Cookies and keys of users of `globex`, and of users of no tenant. */
  readonly globexSession: string
  readonly plainSession: string
  readonly globexKey: string
  readonly plainKey: string
}

const MISMATCH = '403 tenant_mismatch'

/** Each place in which a request may name `acme`. */
const PLACES: readonly (readonly [place: string, path: string, fields: Fields])[] = [
  ['its host', '/x', [['Host', 'acme.api.test']]],
  ['its path', '/tenants/acme/x', []],
  ['a field', '/x', [['X-Tenant-Id', 'acme']]],
]

function bearer(token: string): Fields {
  return [['Authorization', `Bearer ${token}`]]
}

/** Credentials of others, at `acme`. */
export async function foreignCredentials(
  stored: StoredCredentials,
): Promise<readonly TenantCrossing[]> {
  const credentials: readonly (readonly [name: string, answer: Refusal, fields: Fields])[] = [
    ['a token of another tenant', MISMATCH, bearer(await tenantToken('globex'))],
    ['a token of no tenant', MISMATCH, bearer(await tenantToken(null))],
    ['a token of a tenant that does not exist', MISMATCH, bearer(await tenantToken('hooli'))],
    ['a token of a suspended tenant', MISMATCH, bearer(await tenantToken('initech'))],
    ['a token of the tenant in another case', MISMATCH, bearer(await tenantToken('ACME'))],
    ['a token of the tenant and a space', MISMATCH, bearer(await tenantToken('acme '))],
    ['a token of the tenant and NUL', MISMATCH, bearer(await tenantToken('acme\0'))],
    ['a token of a look-alike', MISMATCH, bearer(await tenantToken('\u0430cme'))],
    ['a token of two tenants in one text', MISMATCH, bearer(await tenantToken('acme,globex'))],
    ['a token of any tenant', MISMATCH, bearer(await tenantToken('*'))],
    ['a token of two tenants', '401 invalid_claims', bearer(await tenantToken(['acme']))],
    ['a token of a number', MISMATCH, bearer(await tenantToken(1))],
    ['a token of a fraction', '401 invalid_claims', bearer(await tenantToken(1.5))],
    ['a token of an object', '401 invalid_claims', bearer(await tenantToken({ id: 'acme' }))],
    ['a token of true', '401 invalid_claims', bearer(await tenantToken(true))],
    ['a token of another issuer', MISMATCH, bearer(await tenantToken('acme', 'own'))],
    ['a token of another issuer without tenant', MISMATCH, bearer(await tenantToken(null, 'own'))],
    ['a session of another tenant', MISMATCH, [['Cookie', `__Host-sid=${stored.globexSession}`]]],
    ['a session of no tenant', MISMATCH, [['Cookie', `__Host-sid=${stored.plainSession}`]]],
    ['an API key of another tenant', MISMATCH, [['X-API-Key', stored.globexKey]]],
    ['an API key of no tenant', MISMATCH, [['X-API-Key', stored.plainKey]]],
  ]
  return credentials.flatMap(([name, answer, credential]) =>
    PLACES.map(
      ([place, path, fields]): TenantCrossing => [
        `${name}, at one named in ${place}`,
        answer,
        path,
        [...fields, ...credential],
      ],
    ),
  )
}

/** A good token of `acme`, with a request that does not clearly name `acme`. */
export async function contradictions(): Promise<readonly TenantCrossing[]> {
  const token = bearer(await tenantToken('acme'))
  const header = (name: string): Fields => [['X-Tenant-Id', name]]
  const host = (name: string): Fields => [['Host', name]]
  const rows: readonly TenantCrossing[] = [
    ['another tenant in the path', '400 invalid_request', '/tenants/globex/x', header('acme')],
    ['another tenant in the field', '400 invalid_request', '/tenants/acme/x', header('globex')],
    [
      'another tenant in the host',
      '400 invalid_request',
      '/tenants/acme/x',
      host('globex.api.test'),
    ],
    ['two fields', '400 invalid_request', '/x', [...header('acme'), ...header('globex')]],
    ['the same field twice', '400 invalid_request', '/x', [...header('acme'), ...header('acme')]],
    ['a list in the field', '404 tenant_not_found', '/x', header('acme, globex')],
    ['another case in the field', '404 tenant_not_found', '/x', header('ACME')],
    ['nothing in the field', '404 tenant_not_found', '/x', header('')],
    ['a path in the field', '404 tenant_not_found', '/x', header('acme/../globex')],
    ['two labels before the host', '404 tenant_not_found', '/x', host('x.acme.api.test')],
    ['another case in the path', '404 tenant_not_found', '/tenants/ACME/x', []],
    ['a path that others fold', '400 invalid_request', '/Tenants/globex/x', header('acme')],
    ['a path with a parameter', '400 invalid_request', '/tenants;x/globex/x', header('acme')],
    ['a tenant with a parameter', '404 tenant_not_found', '/tenants/acme;x=globex/x', []],
    ['an encoded slash in the path', '400 invalid_request', '/tenants/acme%2Fx', []],
    ['dot segments in the path', '400 invalid_request', '/tenants/acme/../globex/x', []],
    [
      'a slash that is encoded twice',
      '400 invalid_request',
      '/tenants%252Fglobex/x',
      header('acme'),
    ],
    ['a tenant that is suspended', '403 tenant_suspended', '/x', header('initech')],
    ['a tenant that does not exist', '404 tenant_not_found', '/x', header('hooli')],
    ['a tenant called __proto__', '404 tenant_not_found', '/x', header('__proto__')],
    ['a tenant called constructor', '404 tenant_not_found', '/x', header('constructor')],
  ]
  return rows.map(([name, answer, path, fields]) => [name, answer, path, [...fields, ...token]])
}
