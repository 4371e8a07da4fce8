/**
 * Hot path: decides whether an established identity belongs to the tenant of its request. Runs on
 * every request, cached verdict or not: a verdict is about the token, never about a tenant.
 *
 * Names are compared code unit by code unit: nothing is folded, trimmed or normalised, so that no
 * look-alike equals the tenant that it looks like.
 */
import { hash } from 'node:crypto'
import { callerOf, type Identity, type Refused, refuse } from '../protocol/verification.ts'
import type { Tenant, TenantId } from './tenant.ts'
import { checkNamedTenant, type TenantRegistry } from './tenant-registry.ts'

export interface TenantPolicy {
  /** Whether a request without a tenant is refused. */
  readonly required: boolean
  /** Whether the claim names the tenant when nothing in the request does. */
  readonly readsClaim: boolean
  /**
   * Whether a credential without a tenant is good at every tenant that accepts its issuer. Off by
   * default: it makes each such credential one for all tenants.
   */
  readonly allowTokensWithoutTenant: boolean
}

type MismatchReason = 'tenant_of_another' | 'tenant_claim_absent' | 'tenant_issuer_foreign'

/** A `tenant_mismatch`, with what the security event about it says. */
export interface TenantMismatch extends Refused {
  readonly code: 'tenant_mismatch'
  readonly reason: MismatchReason
  readonly requestTenant: TenantId
  /**
   * Whom the claim names. `null` without a claim, and when there is no such tenant: what else a
   * claim says does not belong in a log.
   */
  readonly tokenTenant: TenantId | null
}

const UNDECIDED = refuse('tenant_undecided')
const NOT_IDENTIFIED = refuse('tenant_absent')

/**
 * The tenant to serve; `null` when there is none and none is needed.
 *
 * With a tenant in the request: the claim names the same one, or is absent and the issuer is listed
 * by this tenant alone or the policy lets it pass; and the issuer is one of the tenant's, if it
 * lists any. Otherwise {@link TenantMismatch}. A session or an API key has no issuer: the rule
 * about issuers leaves it alone, and without a claim only the policy lets it pass.
 *
 * As long as a tenant that cannot be read may list the issuer of a token without the claim, or some
 * tenants are not known: `verifier_unavailable`.
 *
 * Without a tenant in the request, and if the claim may name it: the claim's tenant, under the same
 * rules; `tenant_not_found`, `tenant_suspended`; or `tenant_not_identified` when it names none.
 *
 * Does *not* keep an issuer that only one tenant lists from naming another tenant that lists none:
 * a tenant without issuers trusts every issuer of the route.
 *
 * @param requested From {@link checkTenant}. Looked up again, because the registry may have
 *   changed while the credential was being verified.
 */
export function matchTokenTenant(
  requested: Tenant | null,
  identity: Identity,
  registry: TenantRegistry,
  policy: TenantPolicy,
): Tenant | null | Refused | TenantMismatch {
  const name = requested === null && policy.readsClaim ? identity.tenant : (requested?.id ?? null)
  if (name === null) return policy.required ? NOT_IDENTIFIED : null
  const tenant = checkNamedTenant(name, registry)
  if (tenant.kind === 'refused') return tenant
  const reason = findMismatch(tenant, identity, registry, policy)
  if (reason === null) return tenant
  if (reason === 'undecided') return UNDECIDED
  const claimed = identity.tenant === null ? null : registry.find(identity.tenant)
  return {
    kind: 'refused',
    code: 'tenant_mismatch',
    key: null,
    detail: null,
    reason,
    requestTenant: tenant.id,
    tokenTenant: claimed?.id ?? null,
  }
}

function findMismatch(
  tenant: Tenant,
  identity: Identity,
  registry: TenantRegistry,
  policy: TenantPolicy,
): MismatchReason | 'undecided' | null {
  if (identity.tenant !== null && identity.tenant !== tenant.id) return 'tenant_of_another'
  const { issuer } = identity
  if (issuer !== '' && !registry.acceptsIssuer(tenant, issuer)) return 'tenant_issuer_foreign'
  if (identity.tenant !== null || policy.allowTokensWithoutTenant) return null
  if (!registry.ownsIssuer(tenant, issuer)) return 'tenant_claim_absent'
  return registry.mayBeListedElsewhere(issuer) ? 'undecided' : null
}

/**
 * Names the subject of an identity in an event without telling who it is: SHA-256, 64 hex digits.
 *
 * Two issuers may know different people by one `sub`, so the issuer is part of it; the length
 * keeps ('ab', 'c') and ('a', 'bc') apart. Not on the hot path.
 */
export function subjectDigest(identity: Identity): string {
  const { issuer } = identity
  return hash('sha256', `${issuer.length}:${issuer}${callerOf(identity)}`, 'hex')
}
