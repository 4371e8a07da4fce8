/**
 * Which addresses may use something: the two lists of a route, a tenant or an API key.
 *
 * Hot path where there are any: a list is compiled when it is first asked about.
 */
import { AddressRanges, parseAddressRange } from './address-ranges.ts'

/** Addresses and CIDR ranges, checked with `parseAddressRange`. */
export interface AddressLists {
  /** Empty: all. */
  readonly allowFrom: readonly string[]
  /** Wins over `allowFrom`. */
  readonly denyFrom: readonly string[]
}

/** Of one list in a stored record. */
export const ADDRESS_LIST_LENGTH_MAX = 1_000

const NONE: readonly string[] = Object.freeze([])

/** By list: a hundred thousand tenants share a few, and come and go. */
const compiled = new WeakMap<readonly string[], AddressRanges>()

/**
 * A list of a stored record: empty when it is left out or null; `null` when it is no list, too
 * long, or an item is no range.
 */
export function parseAddressList(value: unknown): readonly string[] | null {
  if (value === undefined || value === null) return NONE
  if (!Array.isArray(value) || value.length > ADDRESS_LIST_LENGTH_MAX) return null
  const isGood = value.every((item) => typeof item === 'string' && parseAddressRange(item) !== null)
  return isGood ? (value as readonly string[]) : null
}

/** Whether it matters at all where a request comes from. */
export function hasAddressLists({ allowFrom, denyFrom }: AddressLists): boolean {
  return allowFrom.length > 0 || denyFrom.length > 0
}

/**
 * @param address Of the client, as text; empty when it cannot be told, which is in no list: it is
 *   admitted only where every address is that is not denied.
 */
export function admitsAddress({ allowFrom, denyFrom }: AddressLists, address: string): boolean {
  if (denyFrom.length > 0 && rangesOf(denyFrom).has(address)) return false
  return allowFrom.length === 0 || rangesOf(allowFrom).has(address)
}

function rangesOf(list: readonly string[]): AddressRanges {
  let ranges = compiled.get(list)
  if (ranges === undefined) {
    ranges = new AddressRanges(list)
    compiled.set(list, ranges)
  }
  return ranges
}
