/** The rate that the record of a tenant or of an API key names: `{"rate":"100/s","burst":20}`. */
import { isAbsent } from '../protocol/json-members.ts'
import { parseRate, type Rate } from './rate.ts'

export interface OwnRate extends Rate {
  readonly burst: number
}

export const OWN_BURST_MAX = 1_000_000

/** @returns `null` when it is left out; `undefined` when it is anything else than a rate. */
export function parseOwnRate(value: unknown): OwnRate | null | undefined {
  if (isAbsent(value)) return null
  if (typeof value !== 'object') return undefined
  const { rate: text, burst } = value as { readonly rate?: unknown; readonly burst?: unknown }
  const rate = typeof text === 'string' ? parseRate(text) : null
  return rate === null ? undefined : ownRate(rate, burst)
}

/** How many may come at once where that is not said: the whole rate of a period. */
export function burstByDefault({ count }: Rate): number {
  return Math.min(count, OWN_BURST_MAX)
}

function ownRate(rate: Rate, burst: unknown): OwnRate | undefined {
  if (isAbsent(burst)) return { ...rate, burst: burstByDefault(rate) }
  const isGood = Number.isInteger(burst) && (burst as number) >= 1
  return isGood && (burst as number) <= OWN_BURST_MAX
    ? { ...rate, burst: burst as number }
    : undefined
}
