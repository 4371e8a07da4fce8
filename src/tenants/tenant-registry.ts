/**
 * The tenants that there are, and what they say about a request that names one.
 *
 * Records change one by one: what else there is stays as it is, so that a change among a hundred
 * thousand tenants costs what one tenant costs. Who reads records, from the file or from a store,
 * is not known here.
 */
import { type IndexedIssuer, IssuerIndex } from '../protocol/issuer-index.ts'
import { createIssuerTemplate, type IssuerPlaceholder } from '../protocol/issuer-template.ts'
import { type Refused, refuse } from '../protocol/verification.ts'
import { assertInvariant } from '../runtime/assert-invariant.ts'
import type { RequestedTenant } from './resolve-tenant.ts'
import { SharedLists } from './shared-lists.ts'
import type { Tenant } from './tenant.ts'
import type { TenantsChange, UnreadableTenant } from './tenants-change.ts'

/** Of one registry; those of the store that are beyond it are not served. See docs/tenants.md. */
export const TENANTS_MAX = 250_000

/** An issuer of the configuration: its name there, and the `iss` of its tokens. */
export interface NamedIssuer {
  readonly name: string
  readonly issuer: string
  /** `null`: its tokens say exactly that. */
  readonly placeholder: IssuerPlaceholder | null
}

const NO_NAMES: ReadonlySet<string> = new Set()
const UNDECIDED = refuse('tenant_undecided')
const NOT_FOUND = refuse('tenant_unknown')
const SUSPENDED = refuse('tenant_suspended')
const NOT_IDENTIFIED = refuse('tenant_absent')

export class TenantRegistry {
  /** Name by `iss`: a tenant lists names, a token says `iss`. */
  readonly #issuers: IssuerIndex<ListedIssuer>
  readonly #lists = new SharedLists()
  readonly #tenants = new Map<string, Tenant>()
  readonly #unreadable = new Map<string, UnreadableTenant>()
  /** How many tenants list the issuer of this name, suspended ones included. */
  readonly #listed = new Map<string, number>()
  /** How many tenants that cannot be read may list it. */
  readonly #maybeListed = new Map<string, number>()
  #isComplete = true
  /** Of tenants that no change concerns. */
  #fixed: ReadonlySet<string> = NO_NAMES

  /**
   * @param issuers All of the configuration, no two with the same `iss`.
   * @param tenants Each id once.
   * @param areFixed Whether these win over those of the same name that a change brings.
   */
  constructor(issuers: readonly NamedIssuer[], tenants: readonly Tenant[], areFixed = false) {
    this.#issuers = new IssuerIndex(issuers.map(indexed))
    this.apply({ tenants, unreadable: [], gone: [], isComplete: true })
    assertInvariant(this.size === tenants.length, 'a tenant is configured once')
    if (areFixed) this.#fixed = new Set(tenants.map(({ id }) => id))
  }

  get size(): number {
    return this.#tenants.size
  }

  /** Takes over a change. A request sees all of it or nothing. */
  apply({ tenants, unreadable, gone, isComplete }: TenantsChange): void {
    for (const name of gone) {
      if (!this.#fixed.has(name)) this.#forget(name)
    }
    for (const tenant of tenants) {
      if (this.#fixed.has(tenant.id)) continue
      this.#forget(tenant.id)
      this.#tenants.set(tenant.id, this.#lists.share(tenant))
      count(this.#listed, tenant.issuers, 1)
    }
    for (const entry of unreadable) {
      if (this.#fixed.has(entry.name)) continue
      this.#forget(entry.name)
      this.#unreadable.set(entry.name, entry)
      count(this.#maybeListed, entry.mayList, 1)
    }
    this.#isComplete = isComplete
  }

  /**
   * Hot path: the tenant of exactly this name, or `null`.
   *
   * @param name Any text: only well-formed names are in the registry.
   */
  find(name: string): Tenant | null {
    return this.#tenants.get(name) ?? null
  }

  /** Whether there may be a tenant of this name that is not known, or cannot be read. */
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
    const name = this.#issuers.find(issuer)?.name
    return name !== undefined && tenant.issuers.includes(name)
  }

  /**
   * Hot path: whether this tenant, and no other known one, suspended or not, lists the issuer. Not
   * of one with a placeholder for several: each of those may be the issuer of other people.
   */
  ownsIssuer(tenant: Tenant, issuer: string): boolean {
    const listed = this.#issuers.find(issuer)
    if (listed === undefined || !listed.isOne || this.#listed.get(listed.name) !== 1) return false
    return this.#tenants.get(tenant.id)?.issuers.includes(listed.name) ?? false
  }

  /** Whether there may be a tenant that is not known, or cannot be read, and lists the issuer. */
  mayBeListedElsewhere(issuer: string): boolean {
    const name = this.#issuers.find(issuer)?.name
    return !this.#isComplete || (name !== undefined && this.#maybeListed.has(name))
  }

  #forget(name: string): void {
    const tenant = this.#tenants.get(name)
    if (tenant !== undefined) count(this.#listed, tenant.issuers, -1)
    this.#tenants.delete(name)
    const entry = this.#unreadable.get(name)
    if (entry !== undefined) count(this.#maybeListed, entry.mayList, -1)
    this.#unreadable.delete(name)
  }
}

interface ListedIssuer extends IndexedIssuer {
  readonly name: string
  /** Whether it is one issuer, and not several by a placeholder. */
  readonly isOne: boolean
}

function indexed({ name, issuer, placeholder }: NamedIssuer): ListedIssuer {
  return {
    name,
    issuer,
    template: createIssuerTemplate(issuer, placeholder),
    isOne: placeholder === null || placeholder.values?.length === 1,
  }
}

/** An issuer that a tenant lists twice counts once. */
function count(counts: Map<string, number>, issuers: readonly string[], step: 1 | -1): void {
  for (const name of new Set(issuers)) {
    const sum = (counts.get(name) ?? 0) + step
    if (sum === 0) counts.delete(name)
    else counts.set(name, sum)
  }
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
export function checkTenant(
  requested: RequestedTenant,
  registry: TenantRegistry,
  isRequired: boolean,
): Tenant | null | Refused {
  if (requested === null) return isRequired ? NOT_IDENTIFIED : null
  return typeof requested === 'string' ? checkNamedTenant(requested, registry) : requested
}

/** The same for a name that stands in a verified token. Any text. */
export function checkNamedTenant(name: string, registry: TenantRegistry): Tenant | Refused {
  const tenant = registry.find(name)
  if (tenant === null) return registry.isUndecided(name) ? UNDECIDED : NOT_FOUND
  return tenant.status === 'active' ? tenant : SUSPENDED
}
