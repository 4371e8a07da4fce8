/** Tenants, issuers and identities for tests of the tenant boundary. */
import assert from 'node:assert/strict'
import { EMPTY_IDENTITY, type Identity } from '../../src/protocol/verification.ts'
import { parseTenantId, type Tenant, type TenantId } from '../../src/tenants/tenant.ts'
import type { TenantsChange } from '../../src/tenants/tenants-change.ts'

export function tenantId(name: string): TenantId {
  const id = parseTenantId(name)
  assert.ok(id !== null, name)
  return id
}

/** One list for all: a registry keeps a tenant as it is whose lists need not be shared first. */
const NONE: readonly string[] = []

export function tenant(name: string, part: Partial<Tenant> = {}): Tenant {
  return {
    kind: 'tenant',
    id: tenantId(name),
    status: 'active',
    plan: null,
    issuers: NONE,
    allowedOrigins: NONE,
    allowFrom: NONE,
    denyFrom: NONE,
    rate: null,
    upstream: null,
    ...part,
  }
}

/** A change of what a registry knows, which is then complete unless it says otherwise. */
export function changeOf(part: Partial<TenantsChange>): TenantsChange {
  return { tenants: [], unreadable: [], gone: [], isComplete: true, ...part }
}

export const MAIN = { name: 'main', issuer: 'https://main.test/', placeholder: null }
export const PARTNER = { name: 'partner', issuer: 'https://partner.test/', placeholder: null }

/** What a token of the main issuer came to. */
export function identityOf(part: Partial<Identity> = {}): Identity {
  return {
    ...EMPTY_IDENTITY,
    issuer: MAIN.issuer,
    subject: 'alice',
    email: null,
    roles: [],
    scopes: [],
    tenant: null,
    organisation: null,
    clientId: null,
    tokenId: null,
    sessionId: null,
    issuedAtSeconds: null,
    expiresAtSeconds: 2_000,
    ...part,
  }
}

/** The id of a tenant, `null`, or the code of a refusal: what tests compare. */
export function outcomeOf(
  judged: Tenant | string | null | { readonly code: string },
): string | null {
  if (judged === null || typeof judged === 'string') return judged
  return 'code' in judged ? judged.code : judged.id
}
