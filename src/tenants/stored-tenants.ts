/**
 * What one instance knows of the tenants in a store, and how it changes with each record that is
 * read. No input or output: tenant-watcher.ts reads.
 *
 * A tenant that a complete reading did not find is gone, unless too much has gone at once without
 * having been announced: an emptied hash, or a replica that had nothing, is an outage of the store
 * and no fact about its tenants. They are then kept as last read until they are back, until it is
 * announced that they are meant to be gone, or until they are too old ({@link giveUpMissing}).
 */
import type { OwnRate } from '../resilience/own-rate.ts'
import { parseTenantRecord } from './parse-tenant-record.ts'
import { SharedLists } from './shared-lists.ts'
import { parseTenantId, type Tenant, type TenantId } from './tenant.ts'
import type { TenantsChange, UnreadableTenant } from './tenants-change.ts'

export interface StoredTenantsOptions {
  /** Those beyond are left out; what is read about the others counts on. */
  readonly tenantsMax: number
  /** Names of upstreams that a record may name. */
  readonly upstreams: ReadonlySet<string>
  /** Names of the configured issuers. */
  readonly issuers: readonly string[]
}

type Entry = Tenant | UnreadableTenant

interface Known {
  entry: Entry
  /** Number of the last reading in which it was found. */
  reading: number
}

/** A few may be taken out by hand, all of them one after the other. */
const LOSS_MIN = 10
const ALL_LOSS_MIN = 2

export class StoredTenants {
  #options: StoredTenantsOptions
  #mentions: readonly (readonly [string, RegExp])[]
  readonly #lists = new SharedLists()
  readonly #known = new Map<string, Known>()
  /** Not yet told. `null`: gone. */
  #pending = new Map<TenantId, Entry | null>()
  /** Names that were lost and are too old to be served. */
  readonly #givenUp = new Set<string>()
  #reading = 0
  #hasBeenRead = false
  #isLost = false
  #leftOut = 0
  #leftOutNow = 0
  #misnamed = 0
  #misnamedNow = 0
  #unreadable = 0
  #wasComplete = false

  constructor(options: StoredTenantsOptions) {
    this.#options = options
    this.#mentions = options.issuers.map((name) => [name, mentionOf(name)])
  }

  /** Records that are read from now on may name these. */
  use(names: Pick<StoredTenantsOptions, 'upstreams' | 'issuers'>): void {
    this.#options = { ...this.#options, ...names }
    this.#mentions = names.issuers.map((name) => [name, mentionOf(name)])
  }

  get hasBeenRead(): boolean {
    return this.#hasBeenRead
  }

  get size(): number {
    return this.#known.size
  }

  /** Records that cannot be understood, those under impossible names included. */
  get unreadableCount(): number {
    return this.#unreadable + this.#misnamed
  }

  /** At least so many tenants found no room. */
  get leftOutCount(): number {
    return this.#leftOut
  }

  /** Whether too much has gone at once to be believed. */
  get isLost(): boolean {
    return this.#isLost
  }

  /** How many are kept, or were given up, although the store does not have them. */
  get missingCount(): number {
    return this.#isLost ? this.#vanished().length + this.#givenUp.size : 0
  }

  /** Whether a name that is not known is certainly no tenant. */
  get isComplete(): boolean {
    return this.#hasBeenRead && this.#leftOut === 0 && this.#givenUp.size === 0
  }

  /** One record, just read; `null`: there is none of this name. */
  learn(name: string, text: string | null): void {
    const id = parseTenantId(name)
    if (id === null) {
      this.#misnamedNow += 1
      return
    }
    this.#givenUp.delete(id)
    if (text === null) {
      this.#forget(id)
      return
    }
    const known = this.#known.get(id)
    const entry = this.#parse(id, text)
    if (known !== undefined) {
      known.reading = this.#reading
      if (isSame(known.entry, entry)) return
      this.#countUnreadable(known.entry, -1)
      known.entry = entry
    } else if (this.#known.size >= this.#options.tenantsMax) {
      this.#leftOutNow += 1
      this.#leftOut = Math.max(this.#leftOut, 1)
      return
    } else this.#known.set(id, { entry, reading: this.#reading })
    this.#countUnreadable(entry, 1)
    this.#pending.set(id, entry)
  }

  /** From here to {@link endReading} every record is learnt at least once. */
  beginReading(): void {
    this.#reading += 1
    this.#leftOutNow = 0
    this.#misnamedNow = 0
  }

  /**
   * @param isMeant Whether it was announced that what was found is all there is.
   * @param isWiped Whether everything else that belongs to the tenants has gone from the store.
   */
  endReading(isMeant: boolean, isWiped: boolean): void {
    this.#hasBeenRead = true
    this.#leftOut = this.#leftOutNow
    this.#misnamed = this.#misnamedNow
    const vanished = this.#vanished()
    this.#isLost = !isMeant && this.#isLoss(vanished.length, isWiped)
    if (this.#isLost) return
    this.#givenUp.clear()
    for (const name of vanished) this.#forget(name)
  }

  /**
   * Serves those no more that were lost: too long ago for what was last read of them to hold.
   *
   * @returns How many.
   */
  giveUpMissing(): number {
    const names = this.#vanished()
    for (const name of names) {
      this.#forget(name)
      this.#givenUp.add(name)
    }
    return names.length
  }

  /** What has changed since this was last asked for; `null`: nothing. */
  takeChange(): TenantsChange | null {
    const { isComplete } = this
    if (this.#pending.size === 0 && isComplete === this.#wasComplete) return null
    const pending = [...this.#pending]
    this.#pending = new Map()
    this.#wasComplete = isComplete
    const gone = pending.flatMap(([name, entry]) => (entry === null ? [name] : []))
    return { ...sorted(pending.flatMap(([, entry]) => entry ?? [])), gone, isComplete }
  }

  /**
   * All that is known, as a change from nothing.
   *
   * @param issuers Of the configuration that it is for. A record that cannot be understood may list
   *   each of them that was not known when it was read.
   */
  whole(issuers: readonly string[]): TenantsChange {
    const unknown = issuers.filter((name) => !this.#options.issuers.includes(name))
    const entries = [...this.#known.values()].map(({ entry }) =>
      'mayList' in entry ? { ...entry, mayList: [...entry.mayList, ...unknown] } : entry,
    )
    return { ...sorted(entries), gone: [], isComplete: this.isComplete }
  }

  #vanished(): TenantId[] {
    const names: TenantId[] = []
    for (const [name, { reading }] of this.#known) {
      if (reading !== this.#reading) names.push(name as TenantId)
    }
    return names
  }

  #isLoss(vanished: number, isWiped: boolean): boolean {
    // Once it was one, everything has to come back.
    if (this.#isLost) return vanished + this.#givenUp.size > 0
    if (isWiped) return vanished > 0
    if (vanished === this.size) return vanished >= ALL_LOSS_MIN
    return vanished >= LOSS_MIN && vanished > this.size / 2
  }

  #forget(name: TenantId): void {
    const known = this.#known.get(name)
    if (known === undefined) return
    this.#known.delete(name)
    this.#countUnreadable(known.entry, -1)
    this.#pending.set(name, null)
  }

  #countUnreadable(entry: Entry, step: 1 | -1): void {
    if ('mayList' in entry) this.#unreadable += step
  }

  #parse(id: TenantId, text: string): Entry {
    const tenant = parseTenantRecord(id, text)
    if (typeof tenant !== 'string' && this.#hasUpstream(tenant)) return this.#lists.share(tenant)
    return { name: id, mayList: this.#issuersNamedIn(text) }
  }

  #hasUpstream({ upstream }: Tenant): boolean {
    return upstream === null || this.#options.upstreams.has(upstream)
  }

  /**
   * A record that lists an issuer has its name in it, whatever else is wrong with the record;
   * unless it is written with an escape, which hides any name.
   */
  #issuersNamedIn(text: string): readonly string[] {
    if (text.includes('\\u')) return this.#options.issuers
    return this.#mentions.flatMap(([name, mention]) => (mention.test(text) ? [name] : []))
  }
}

/** Finds the name of an issuer in text, but not as a part of another name. */
function mentionOf(name: string): RegExp {
  return new RegExp(`(?<![A-Za-z0-9_-])${name}(?![A-Za-z0-9_-])`)
}

function sorted(entries: readonly Entry[]): Pick<TenantsChange, 'tenants' | 'unreadable'> {
  const tenants: Tenant[] = []
  const unreadable: UnreadableTenant[] = []
  for (const entry of entries) {
    if ('mayList' in entry) unreadable.push(entry)
    else tenants.push(entry)
  }
  return { tenants, unreadable }
}

function isSameRate(rate: OwnRate | null, other: OwnRate | null): boolean {
  if (rate === null || other === null) return rate === other
  return (
    rate.count === other.count &&
    rate.periodSeconds === other.periodSeconds &&
    rate.burst === other.burst
  )
}

function isSame(entry: Entry, other: Entry): boolean {
  if ('mayList' in entry || 'mayList' in other) {
    return 'mayList' in entry && 'mayList' in other && isSameList(entry.mayList, other.mayList)
  }
  if (entry.status !== other.status || entry.plan !== other.plan) return false
  if (entry.upstream !== other.upstream || !isSameRate(entry.rate, other.rate)) return false
  return (
    isSameList(entry.issuers, other.issuers) &&
    isSameList(entry.allowedOrigins, other.allowedOrigins) &&
    isSameList(entry.allowFrom, other.allowFrom) &&
    isSameList(entry.denyFrom, other.denyFrom)
  )
}

function isSameList(list: readonly string[], other: readonly string[]): boolean {
  if (list === other) return true
  return list.length === other.length && list.every((item, at) => item === other[at])
}
