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
  /** By the key that revokes all of the issuer. */
  readonly #groups: ReadonlyMap<RevocationKey, number>
  readonly #counts: Uint32Array
  readonly #ownPart: number
  readonly #commonPart: number
  #commonCount = 0

  constructor(capacity: number, issuers: readonly RevocationKey[]) {
    assertInvariant(issuers.length <= ISSUERS_MAX, 'a group fits 16 bits')
    this.#groups = new Map(issuers.map((issuer, index) => [issuer, index + 1]))
    this.#counts = new Uint32Array(issuers.length + 1)
    this.#ownPart = Math.floor(capacity / 2 / Math.max(1, issuers.length))
    this.#commonPart = capacity - this.#ownPart * issuers.length
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
    if (group === UNKNOWN) return true
    const beyondOwn = (this.#counts[group] ?? 0) - this.#ownPart
    return beyondOwn < 0 || beyondOwn < this.#commonPart - this.#commonCount
  }

  /** Whether an issuer has taken so much that other instances should count it as well. */
  isLarge(issuer: RevocationKey | null): boolean {
    const group = this.groupOf(issuer)
    return group !== UNKNOWN && (this.#counts[group] ?? 0) > this.#ownPart * LARGE_PART
  }

  countIn(group: number): void {
    const count = (this.#counts[group] ?? 0) + 1
    this.#counts[group] = count
    if (group === UNKNOWN || count > this.#ownPart) this.#commonCount += 1
  }

  countOut(group: number): void {
    const count = this.#counts[group] ?? 0
    this.#counts[group] = count - 1
    if (group === UNKNOWN || count > this.#ownPart) this.#commonCount -= 1
  }
}
