/**
 * Follows the tenants in a store that other instances and operators write to: a hash of JSON by
 * tenant name, and a version that a writer increments after a change.
 *
 * The version is asked for several times in a second, which costs next to nothing; the hash is read
 * when it has changed, and now and then all the same, for writers who forgot. While the store
 * cannot be reached, what was read last holds.
 */
import { createHash } from 'node:crypto'
import { parseTenantRecord, TENANT_RECORD_LENGTH_MAX } from './parse-tenant-record.ts'
import type { Tenant } from './tenant.ts'

/** What the watcher asks of the store. `null`: it could not be asked. */
export interface TenantStore {
  version(): Promise<string | null>
  /** By name. */
  records(): Promise<Readonly<Record<string, string>> | null>
}

/** What is known of the tenants in the store. */
export interface StoredTenants {
  readonly tenants: readonly Tenant[]
  /** Names whose records cannot be understood: nobody can say who they are. */
  readonly unreadable: readonly string[]
}

export interface TenantWatcherOptions {
  /** Between two questions for the version. */
  readonly pollIntervalMs: number
  /** Between two readings of the hash. */
  readonly refreshIntervalMs: number
  /** More of them are as good as none that can be read. */
  readonly tenantsMax: number
  /** Names of upstreams that a record may name. */
  readonly upstreams: ReadonlySet<string>
}

export interface TenantWatcherParts {
  readonly store: TenantStore
  readonly monotonicMs: () => number
  /** With each reading that differs from the one before. */
  readonly onTenants: (stored: StoredTenants) => void
  /** At the first answer or failure, and at each change. */
  readonly onState: (isReached: boolean) => void
}

const RETRY_MS = 500

export class TenantWatcher {
  readonly #options: TenantWatcherOptions
  readonly #parts: TenantWatcherParts
  #timer: NodeJS.Timeout | null = null
  #isStopped = false
  #isReached: boolean | null = null
  #version: string | null = null
  #readAtMs = Number.NEGATIVE_INFINITY
  #lastText: string | null = null

  constructor(options: TenantWatcherOptions, parts: TenantWatcherParts) {
    this.#options = options
    this.#parts = parts
  }

  /** Looks once, and then again and again until {@link stop}. Settles after the first look. */
  async start(): Promise<void> {
    await this.look()
    this.#arm()
  }

  stop(): void {
    this.#isStopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  /** Never rejects. */
  async look(): Promise<void> {
    const { store, monotonicMs } = this.#parts
    // Before the hash: a change in between is then seen by the next look.
    const version = await store.version()
    if (version === null) {
      this.#enter(false)
      return
    }
    const isDue = monotonicMs() - this.#readAtMs >= this.#options.refreshIntervalMs
    if (version === this.#version && !isDue && this.#isReached === true) return
    const stored = await store.records()
    const records = stored && Object.entries(stored)
    if (records === null || records.length > this.#options.tenantsMax) {
      this.#enter(false)
      return
    }
    this.#version = version
    this.#readAtMs = monotonicMs()
    this.#tell(records)
    this.#enter(true)
  }

  #arm(): void {
    if (this.#isStopped) return
    // What failed once is not asked again at once: it may be dear.
    const delayMs = this.#isReached === true ? this.#options.pollIntervalMs : RETRY_MS
    const look = () => this.look().catch(() => this.#enter(false))
    this.#timer = setTimeout(() => void look().then(() => this.#arm()), delayMs)
  }

  #enter(isReached: boolean): void {
    if (this.#isStopped || isReached === this.#isReached) return
    this.#isReached = isReached
    this.#parts.onState(isReached)
  }

  #tell(records: readonly (readonly [string, string])[]): void {
    const text = fingerprint(records)
    if (this.#isStopped || text === this.#lastText) return
    this.#lastText = text
    const tenants: Tenant[] = []
    const unreadable: string[] = []
    for (const [name, record] of records) {
      const tenant = parseTenantRecord(name, record)
      const isKnown = typeof tenant !== 'string' && this.#hasUpstream(tenant)
      if (isKnown) tenants.push(tenant)
      else unreadable.push(name)
    }
    this.#parts.onTenants({ tenants, unreadable })
  }

  #hasUpstream({ upstream }: Tenant): boolean {
    return upstream === null || this.#options.upstreams.has(upstream)
  }
}

/** Tells two readings apart. What is longer than a record may be is none, however it goes on. */
function fingerprint(records: readonly (readonly [string, string])[]): string {
  const digest = createHash('sha256')
  for (const [name, record] of records) {
    const part = record.slice(0, TENANT_RECORD_LENGTH_MAX + 1)
    digest.update(`${name.length}:${name}${part.length}:${part}`)
  }
  return digest.digest('hex')
}
