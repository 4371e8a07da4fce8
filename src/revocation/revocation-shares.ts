/**
 * How much of the revocation index each issuer may fill, so that none fills what all share.
 *
 *     | own part of issuer 1 | … | own part of issuer n |        common half        |
 *
 * Half of the capacity is divided evenly: an issuer always has its own part. Of the common half an
 * issuer may have as much as it leaves free: one alone fills half of it, two a third each.
 * What has no known issuer lies in the common half and is bounded by the capacity alone.
 */
import { assertInvariant } from '../runtime/assert-invariant.ts'
import type { RevocationKey } from './revocation-key.ts'

/** Group of entries of no known issuer. */
const UNKNOWN = 0
/** Groups are kept in 16 bits. */
const ISSUERS_MAX = 0xffff
/** An issuer is large from this part of its own part on. */
const LARGE_PART = 1 / 8

export class RevocationShares {
  readonly #capacity: number
  /** By the key that revokes all of the issuer; of every issuer that there has been. */
  readonly #groups = new Map<RevocationKey, number>()
  /** Those that have an own part. */
  #sharing: ReadonlySet<number> = new Set()
  #counts = new Uint32Array(1)
  #ownPart = 0
  #commonPart = 0
  #commonCount = 0

  constructor(capacity: number, issuers: readonly RevocationKey[]) {
    this.#capacity = capacity
    this.use(issuers)
  }

  /**
   * These have a share from now on. Entries of an issuer that has none any more lie in the common
   * half, and are its own again if it comes back.
   */
  use(issuers: readonly RevocationKey[]): void {
    assertInvariant(issuers.length <= ISSUERS_MAX, 'a group fits 16 bits')
    for (const issuer of issuers) {
      const isKnown = this.#groups.has(issuer) || this.#groups.size >= ISSUERS_MAX
      if (!isKnown) this.#groups.set(issuer, this.#groups.size + 1)
    }
    const counts = new Uint32Array(this.#groups.size + 1)
    counts.set(this.#counts)
    this.#counts = counts
    this.#sharing = new Set(issuers.flatMap((issuer) => this.#groups.get(issuer) ?? []))
    this.#ownPart = Math.floor(this.#capacity / 2 / Math.max(1, issuers.length))
    this.#commonPart = this.#capacity - this.#ownPart * issuers.length
    this.#commonCount = counts.reduce((sum, count, group) => sum + this.#inCommon(group, count), 0)
  }

  /** Under what entries of this issuer are counted. */
  groupOf(issuer: RevocationKey | null): number {
    return issuer === null ? UNKNOWN : (this.#groups.get(issuer) ?? UNKNOWN)
  }

  /** Entries of this issuer. */
  countOf(issuer: RevocationKey): number {
    return this.#counts[this.groupOf(issuer)] ?? 0
  }

  /** Whether the issuer may have one entry more. */
  hasRoom(issuer: RevocationKey | null): boolean {
    const group = this.groupOf(issuer)
    if (!this.#sharing.has(group)) return true
    const beyondOwn = (this.#counts[group] ?? 0) - this.#ownPart
    return beyondOwn < 0 || beyondOwn < this.#commonPart - this.#commonCount
  }

  /** Whether an issuer has taken so much that other instances should count it as well. */
  isLarge(issuer: RevocationKey | null): boolean {
    const group = this.groupOf(issuer)
    return this.#sharing.has(group) && (this.#counts[group] ?? 0) > this.#ownPart * LARGE_PART
  }

  countIn(group: number): void {
    const count = (this.#counts[group] ?? 0) + 1
    this.#counts[group] = count
    if (this.#isCommon(group, count)) this.#commonCount += 1
  }

  countOut(group: number): void {
    const count = this.#counts[group] ?? 0
    this.#counts[group] = count - 1
    if (this.#isCommon(group, count)) this.#commonCount -= 1
  }

  /** Whether the last of so many entries lies in the common half. */
  #isCommon(group: number, count: number): boolean {
    return !this.#sharing.has(group) || count > this.#ownPart
  }

  #inCommon(group: number, count: number): number {
    return this.#sharing.has(group) ? Math.max(0, count - this.#ownPart) : count
  }
}
