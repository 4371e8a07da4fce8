/**
 * The tenants that there are, and what they say about a request that names one.
 *
 * All records are replaced at once: a request sees the registry before a change or after it. Who
 * reads records, from the file or from a store, is not known here.
 */
import { type Refused, refuse } from '../protocol/verification.ts'
import { assertInvariant } from '../shared-memory/invariant.ts'
import type { RequestedTenant } from './resolve-tenant.ts'
import type { Tenant, TenantId } from './tenant.ts'

/** Of one registry. At about 300 bytes each, in every thread. */
export const TENANTS_MAX = 100_000

/** An issuer of the configuration: its name there, and the `iss` of its tokens. */
export interface NamedIssuer {
  readonly name: string
  readonly issuer: string
}

const UNDECIDED = refuse('verifier_unavailable')
const NOT_FOUND = refuse('tenant_not_found')
const SUSPENDED = refuse('tenant_suspended')
const NOT_IDENTIFIED = refuse('tenant_not_identified')

export class TenantRegistry {
  /** Name by `iss`: a tenant lists names, a token says `iss`. */
  readonly #issuerNames: ReadonlyMap<string, string>
  #tenants: ReadonlyMap<string, Tenant> = new Map()
  /** The one tenant that lists the issuer of this name; `null` when several do. */
  #soleTenants: ReadonlyMap<string, TenantId | null> = new Map()
  #unreadable: ReadonlySet<string> = new Set()
  #isComplete = true

  /**
   * @param issuers All of the configuration, no two with the same `iss`.
   * @param tenants Not more than {@link TENANTS_MAX}, each id once.
   */
  constructor(issuers: readonly NamedIssuer[], tenants: readonly Tenant[]) {
    this.#issuerNames = new Map(issuers.map(({ name, issuer }) => [issuer, name]))
    assertInvariant(this.#issuerNames.size === issuers.length, 'an issuer is configured once')
    assertInvariant(this.replace(tenants), 'the first tenants fit the registry')
  }

  get size(): number {
    return this.#tenants.size
  }

  /**
   * Puts these tenants in place of all that there were.
   *
   * @param unreadable Names of which nobody can say whether they are tenants.
   * @param isComplete Whether a name that is not among them is certainly no tenant.
   *
   * @returns `false`, and everything stays as it was, when there are more than
   *   {@link TENANTS_MAX} or an id stands twice.
   */
  replace(
    tenants: readonly Tenant[],
    unreadable: readonly string[] = [],
    isComplete = true,
  ): boolean {
    const byId = new Map(tenants.map((tenant) => [tenant.id as string, tenant]))
    if (tenants.length > TENANTS_MAX || byId.size !== tenants.length) return false
    this.#soleTenants = findSoleTenants(tenants)
    this.#tenants = byId
    this.#unreadable = new Set(unreadable)
    this.#isComplete = isComplete
    return true
  }

  /**
   * Hot path: the tenant of exactly this name, or `null`.
   *
   * @param name Any text: only well-formed names are in the registry.
   */
  find(name: string): Tenant | null {
    return this.#tenants.get(name) ?? null
  }

  /** Whether there may be tenants that are not known, and list issuers. */
  get mayMissSome(): boolean {
    return !this.#isComplete || this.#unreadable.size > 0
  }

  /** Whether nobody can say that there is no tenant of this name. */
  isUndecided(name: string): boolean {
    return !this.#isComplete || this.#unreadable.has(name)
  }

  /**
   * Hot path: whether tokens of an issuer are good at a tenant. A tenant that lists no issuers
   * leaves this to the route.
   *
   * @param issuer The `iss` of a verified token.
   */
  acceptsIssuer(tenant: Tenant, issuer: string): boolean {
    if (tenant.issuers.length === 0) return true
    const name = this.#issuerNames.get(issuer)
    return name !== undefined && tenant.issuers.includes(name)
  }

  /** Hot path: whether this tenant, and no other, suspended ones included, lists the issuer. */
  ownsIssuer(tenant: Tenant, issuer: string): boolean {
    const name = this.#issuerNames.get(issuer)
    return name !== undefined && this.#soleTenants.get(name) === tenant.id
  }
}

function findSoleTenants(tenants: readonly Tenant[]): ReadonlyMap<string, TenantId | null> {
  const soleTenants = new Map<string, TenantId | null>()
  for (const { id, issuers } of tenants) {
    for (const name of issuers) {
      const isFirst = !soleTenants.has(name) || soleTenants.get(name) === id
      soleTenants.set(name, isFirst ? id : null)
    }
  }
  return soleTenants
}

/**
 * Hot path: the tenant of a request, if it may be served.
 *
 * A refused request stays refused. Unknown: `tenant_not_found`, or `verifier_unavailable` as long
 * as the registry may be missing some. Suspended: `tenant_suspended`. None
 * named: `tenant_not_identified` where one is required, otherwise `null`.
 *
 * @param isRequired False as long as the claim of a token that is yet to be verified may name the
 *   tenant: match-token-tenant.ts asks again then.
 */
export function judgeTenant(
  requested: RequestedTenant,
  registry: TenantRegistry,
  isRequired: boolean,
): Tenant | null | Refused {
  if (requested === null) return isRequired ? NOT_IDENTIFIED : null
  return typeof requested === 'string' ? judgeNamedTenant(requested, registry) : requested
}

/** The same for a name that stands in a verified token. Any text. */
export function judgeNamedTenant(name: string, registry: TenantRegistry): Tenant | Refused {
  const tenant = registry.find(name)
  if (tenant === null) return registry.isUndecided(name) ? UNDECIDED : NOT_FOUND
  return tenant.status === 'active' ? tenant : SUSPENDED
}
