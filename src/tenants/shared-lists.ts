/**
 * Lists of text of which many tenants have the same one, each kept once: at a hundred thousand
 * tenants they would otherwise be most of what a registry takes.
 */
import type { Tenant } from './tenant.ts'

/** Then further lists are kept by their tenants, each for itself. */
const LISTS_MAX = 4_096

export class SharedLists {
  readonly #lists = new Map<string, readonly string[]>()

  /** The same tenant, with lists that it shares with others. */
  share(tenant: Tenant): Tenant {
    const issuers = this.#shared(tenant.issuers)
    const allowedOrigins = this.#shared(tenant.allowedOrigins)
    const allowFrom = this.#shared(tenant.allowFrom)
    const denyFrom = this.#shared(tenant.denyFrom)
    const isShared =
      issuers === tenant.issuers &&
      allowedOrigins === tenant.allowedOrigins &&
      allowFrom === tenant.allowFrom &&
      denyFrom === tenant.denyFrom
    return isShared ? tenant : { ...tenant, issuers, allowedOrigins, allowFrom, denyFrom }
  }

  #shared(list: readonly string[]): readonly string[] {
    const key = JSON.stringify(list)
    const shared = this.#lists.get(key)
    if (shared !== undefined) return shared
    if (this.#lists.size < LISTS_MAX) this.#lists.set(key, list)
    return list
  }
}
