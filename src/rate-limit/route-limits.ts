/** The limits of a route, compiled once: what is counted, together with what, and how fast. */
import type { RefusalReason } from '../protocol/refusal-reason.ts'
import type { CellGroup, LimitCells } from './limit-cells.ts'
import type { FailureRule, LimitRate } from './limit-rule.ts'
import type { RatePolicy } from './rate-fields.ts'

const MICROS_PER_SECOND = 1_000_000
const MICROS_PER_MS = 1_000

/** Something whose requests are counted. */
export interface RateRule {
  /** Names what is counted together, in this process and in the fleet. */
  readonly name: string
  /** Where it is counted. */
  readonly cells: LimitCells
  readonly group: CellGroup
  readonly rate: LimitRate
  readonly isFleet: boolean
  readonly policy: RatePolicy
  readonly reason: RefusalReason
}

/** Something whose failures are counted. */
export interface LockRule {
  readonly name: string
  readonly group: CellGroup
  /** Credentials that were counted already. */
  readonly guesses: CellGroup
  readonly failures: FailureRule
  readonly isFleet: boolean
  /** For the log: what is locked. */
  readonly locks: 'address' | 'username'
  readonly reason: RefusalReason
}

export interface RouteLimits {
  /** Member of the body that names the user; `null`: the body does not matter. */
  readonly field: string | null
  readonly addressLock: LockRule | null
  readonly usernameLock: LockRule | null
  readonly perAddress: RateRule | null
  readonly perUsername: RateRule | null
  readonly perTenant: RateRule | null
  readonly perKey: RateRule | null
  readonly global: RateRule | null
  readonly validation: RateRule | null
  /** Answers of the upstream that are failures. */
  readonly failedStatuses: readonly number[]
}

export interface RateSettings {
  readonly count: number
  readonly periodSeconds: number
  readonly burst: number
  readonly isFleet: boolean
}

export interface FailureSettings {
  readonly threshold: number
  readonly lockoutMs: number
  readonly windowMs: number
  readonly isFleet: boolean
}

/** One entry of `rateLimits`. */
export interface LimitSettings {
  readonly name: string
  readonly field: string | null
  readonly perAddress: RateSettings | null
  readonly perUsername: RateSettings | null
  readonly perTenant: RateSettings | null
  readonly perKey: RateSettings | null
  readonly global: RateSettings | null
  readonly validation: RateSettings | null
  readonly failuresPerAddress: FailureSettings | null
  readonly failuresPerUsername: FailureSettings | null
  readonly failedStatuses: readonly number[]
}

/**
 * @param keyed Counts by key: addresses, users, tenants, API keys.
 * @param totals Counts what has no key: all requests of a limit together. Apart from the others, so
 *   that no flood of keys takes its cell away.
 */
export function compileLimits(
  settings: LimitSettings,
  keyed: LimitCells,
  totals: LimitCells,
): RouteLimits {
  const named = (part: string) => `${settings.name}/${part}`
  const rate = (part: string, reason: RefusalReason, it: RateSettings | null, cells = keyed) =>
    it && rateRule(named(part), part, reason, it, cells)
  const lock = (locks: LockRule['locks'], it: FailureSettings | null) =>
    it && lockRule(named(`${locks} lock`), locks, it, keyed)
  return {
    field: settings.field,
    addressLock: lock('address', settings.failuresPerAddress),
    usernameLock: lock('username', settings.failuresPerUsername),
    perAddress: rate('address', 'rate_of_address', settings.perAddress),
    perUsername: rate('username', 'rate_of_username', settings.perUsername),
    perTenant: rate('tenant', 'rate_of_tenant', settings.perTenant),
    perKey: rate('key', 'rate_of_key', settings.perKey),
    global: rate('global', 'rate_of_all', settings.global, totals),
    validation: rate('validation', 'rate_of_validation', settings.validation, totals),
    failedStatuses: settings.failedStatuses,
  }
}

/** @param part What clients know the limit as. */
export function rateRule(
  name: string,
  part: string,
  reason: RefusalReason,
  { count, periodSeconds, burst, isFleet }: RateSettings,
  cells: LimitCells,
): RateRule {
  const emissionMicros = (periodSeconds * MICROS_PER_SECOND) / count
  return {
    name,
    cells,
    group: cells.group(name),
    rate: { emissionMicros, burst },
    isFleet,
    policy: { name: part, count, periodSeconds },
    reason,
  }
}

function lockRule(
  name: string,
  locks: LockRule['locks'],
  settings: FailureSettings,
  cells: LimitCells,
): LockRule {
  const { threshold, windowMs, lockoutMs, isFleet } = settings
  return {
    name,
    group: cells.group(name),
    guesses: cells.group(`${name}/guesses`),
    failures: {
      threshold,
      windowMicros: windowMs * MICROS_PER_MS,
      lockoutMicros: lockoutMs * MICROS_PER_MS,
    },
    isFleet,
    locks,
    reason: locks === 'address' ? 'address_locked' : 'username_locked',
  }
}
