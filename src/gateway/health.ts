/**
 * Judges whether the instance should get traffic. Pure: says nothing about how anyone learnt it.
 */
import type { KeySetState } from '../keys/key-set.ts'

export interface IssuerHealth {
  /** Name in the configuration. */
  readonly issuer: string
  readonly state: KeySetState
  /** Whether the issuer has had keys at any time since the start. */
  readonly hasHadKeys: boolean
}

/** Of what other instances revoke. */
export interface RevocationHealth {
  /** Whether all of it has been read at any time since the start. */
  readonly hasCaughtUp: boolean
  /** Whether the last look at it failed. */
  readonly isUnreachable: boolean
}

export interface HealthFacts {
  readonly isListening: boolean
  readonly isDraining: boolean
  readonly issuers: readonly IssuerHealth[]
  /** `null`: revocations are not shared with other instances. */
  readonly revocations: RevocationHealth | null
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
    | 'waiting_for_revocations'
  readonly issuers: readonly {
    readonly issuer: string
    readonly condition: IssuerCondition
    readonly keys: KeySetState
  }[]
  /** `local`: not shared. Otherwise of the log in which all instances write what they revoke. */
  readonly revocations: IssuerCondition | 'local'
}

/**
 * Ready: listening, not draining, every issuer has had keys, and what was revoked elsewhere is
 * known. What fails *later* is told, but does not make the instance unready: it would be so in all
 * instances at once, and an outage of one issuer would become an outage of everything.
 */
export function judgeReadiness(facts: HealthFacts): Readiness {
  const issuers = facts.issuers.map(({ issuer, state, hasHadKeys }) => ({
    issuer,
    condition: conditionOf(state, hasHadKeys),
    keys: state,
  }))
  const isWaiting = issuers.some(({ condition }) => condition === 'waiting')
  const revocations = revocationsOf(facts.revocations)
  const status = statusOf(facts, isWaiting, revocations === 'waiting')
  return { ready: status === 'ready', status, issuers, revocations }
}

function revocationsOf(health: RevocationHealth | null): Readiness['revocations'] {
  if (health === null) return 'local'
  if (!health.hasCaughtUp) return 'waiting'
  return health.isUnreachable ? 'degraded' : 'ok'
}

function conditionOf(state: KeySetState, hasHadKeys: boolean): IssuerCondition {
  if (!hasHadKeys) return 'waiting'
  return state === 'fresh' ? 'ok' : 'degraded'
}

function statusOf(
  facts: HealthFacts,
  isWaitingForKeys: boolean,
  isWaitingForRevocations: boolean,
): Readiness['status'] {
  if (facts.isDraining) return 'draining'
  if (!facts.isListening) return 'not_listening'
  if (isWaitingForKeys) return 'waiting_for_keys'
  return isWaitingForRevocations ? 'waiting_for_revocations' : 'ready'
}
