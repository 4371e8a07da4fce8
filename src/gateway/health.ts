/**
 * Says whether the instance should get traffic. Pure: does not know where the facts come from.
 */
import type { KeySetState } from '../keys/key-set.ts'

export interface IssuerHealth {
  /** Name in the configuration. */
  readonly issuer: string
  readonly state: KeySetState
  /** Whether the issuer has had keys at any time since the start. */
  readonly hasHadKeys: boolean
  /** Whether it came with another configuration while the process ran. */
  readonly isLate?: boolean
}

export interface HealthFacts {
  readonly isListening: boolean
  readonly isDraining: boolean
  readonly issuers: readonly IssuerHealth[]
  /** Whether it is known which tenants there are; so it is where there are none. */
  readonly hasTenants: boolean
  /** Whether everything that other instances have revoked is known here. */
  readonly hasRevocations: boolean
}

/** - `waiting`: never had keys. - `degraded`: had keys, but they are stale or gone. */
export type IssuerCondition = 'ok' | 'degraded' | 'waiting'

export interface Readiness {
  readonly ready: boolean
  readonly status:
    | 'ready'
    | 'draining'
    | 'not_listening'
    | 'waiting_for_keys'
    | 'waiting_for_tenants'
    | 'waiting_for_revocations'
  readonly issuers: readonly {
    readonly issuer: string
    readonly condition: IssuerCondition
    readonly keys: KeySetState
  }[]
}

/**
 * Ready: listening, not draining, and every issuer has had keys. An issuer that fails *later* is
 * told, but does not make the instance unready: it would be so in all instances at once, and an
 * outage of one issuer would become an outage of everything. The same holds for an issuer that came
 * with a reload, and has no keys yet.
 */
export function readinessOf(facts: HealthFacts): Readiness {
  const issuers = facts.issuers.map(({ issuer, state, hasHadKeys }) => ({
    issuer,
    condition: conditionOf(state, hasHadKeys),
    keys: state,
  }))
  const isWaiting = facts.issuers.some(({ hasHadKeys, isLate }) => !(hasHadKeys || isLate === true))
  const status = statusOf(facts, isWaiting)
  return { ready: status === 'ready', status, issuers }
}

function conditionOf(state: KeySetState, hasHadKeys: boolean): IssuerCondition {
  if (!hasHadKeys) return 'waiting'
  return state === 'fresh' ? 'ok' : 'degraded'
}

function statusOf(facts: HealthFacts, isWaiting: boolean): Readiness['status'] {
  if (facts.isDraining) return 'draining'
  if (!facts.isListening) return 'not_listening'
  if (!facts.hasTenants) return 'waiting_for_tenants'
  if (!facts.hasRevocations) return 'waiting_for_revocations'
  return isWaiting ? 'waiting_for_keys' : 'ready'
}
