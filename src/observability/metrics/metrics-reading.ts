/** What a scrape reads: merged counts of the listener threads, and what the supervisor knows. */
import type { CacheFill, CacheName } from '../cache-reading.ts'
import type { MergedMetrics } from '../metrics-ledger.ts'
import type { ReloadOutcome } from './metric-words.ts'

/** What the supervisor knows about the keys of one issuer. */
export interface IssuerReading {
  readonly issuer: string
  /** One of `states`. */
  readonly state: string
  /** `null` before the first fetch. */
  readonly keyAgeSeconds: number | null
  readonly refreshFailures: number
  readonly keysWithoutPlace: number
}

export interface IntrospectionReading {
  readonly issuer: string
  readonly circuits: readonly {
    /** For whom this breaker is. */
    readonly callers: string
    /** One of `circuitStates`. */
    readonly state: string
    readonly opened: number
  }[]
  /** That the endpoint has asked for. */
  readonly pauses: readonly {
    /** Who keeps this pause. */
    readonly callers: string
    /** Left of it; 0: there is none. */
    readonly seconds: number
    /** How many there were since the start. */
    readonly begun: number
  }[]
}

export interface IssuerRevocations {
  /** Name in the configuration; `none` for sessions and API keys. */
  readonly issuer: string
  readonly count: number
  /** Since the start, because its share of the index was full. */
  readonly refused: number
}

export interface RevocationReading {
  readonly size: number
  readonly capacity: number
  readonly issuers: readonly IssuerRevocations[]
  /** Of the log that instances share; `null`: there is none. */
  readonly log: {
    /** One of `revocationLogStates`. */
    readonly state: string
    /** `null` before it was read for the first time. */
    readonly lagSeconds: number | null
    readonly pending: number
    readonly unreadable: number
    readonly leftOut: number
    readonly appendFailures: number
  } | null
}

/** Of the tenants in Redis. */
export interface TenantsReading {
  /** One of `tenantsStates`. */
  readonly state: string
  readonly size: number
  readonly unreadable: number
  readonly leftOut: number
}

export interface SignatureBindingReading {
  /** One of `states`; `null` before the first thread has proved it. */
  readonly state: string | null
  readonly states: readonly string[]
}

/** What became of log lines. Zeroes included. */
export interface LogReading {
  /** By stream. */
  readonly dropped: ReadonlyMap<string, number>
  /** By error. */
  readonly failures: ReadonlyMap<string, number>
}

/** What became of attempts to load the configuration anew. */
export interface ReloadReading {
  /** Of the configuration in use; 1 for that of the start. */
  readonly revision: number
  /** How many there were since the start, by outcome. */
  readonly outcomes: Readonly<Record<ReloadOutcome, number>>
  /** Whether the last one was not refused; so it is before the first. */
  readonly isLastSuccessful: boolean
  /** When the configuration in use was last found to be that of the file. */
  readonly succeededAtSeconds: number
  /** Why the last one was refused; empty when it was not. */
  readonly problems: readonly string[]
}

/** What became of security events that were to be sent to the webhook. Zeroes included. */
export interface WebhookReading {
  /** By result. */
  readonly events: ReadonlyMap<string, number>
  /** By result. */
  readonly attempts: ReadonlyMap<string, number>
  readonly queued: number
}

export interface BuildReading {
  readonly version: string
  readonly node: string
  /** Version and kind of the native server's binary. */
  readonly nativeServer: string
}

export interface MetricsReading {
  readonly listeners: MergedMetrics
  readonly cacheFills: Readonly<Record<CacheName, CacheFill>>
  /** What rate limits and lock-out count. */
  readonly limitKeys: { readonly used: number; readonly locked: number; readonly capacity: number }
  readonly issuers: readonly IssuerReading[]
  /** Every state that the keys of an issuer can be in. */
  readonly issuerStates: readonly string[]
  /** Introspection endpoints, and every state that a circuit breaker can be in. */
  readonly introspection: readonly IntrospectionReading[]
  readonly circuitStates: readonly string[]
  readonly revocations: RevocationReading
  readonly revocationLogStates: readonly string[]
  /** `null`: there are none in Redis. */
  readonly tenants: TenantsReading | null
  readonly tenantsStates: readonly string[]
  readonly signatureBinding: SignatureBindingReading
  readonly log: LogReading
  /** By name, of all threads. */
  readonly securityEvents: ReadonlyMap<string, number>
  /** `null`: there is none. */
  readonly webhook: WebhookReading | null
  readonly listenerRestarts: number
  readonly reloads: ReloadReading
  /** When the certificate of the listener expires, since the epoch; `null`: there is none. */
  readonly certificateExpiresAtSeconds: number | null
  readonly ready: boolean
  readonly build: BuildReading
}
