/** What the live page is told: the contract between the supervisor and the script of the page. */

/** One second of the instance, or as long as it took to look again. */
export interface LiveSample {
  /** Wall clock at its end. */
  readonly atMs: number
  readonly seconds: number
  /** Finished requests, in the order of `LiveWords.outcomes`. */
  readonly outcomes: readonly number[]
  /**
   * In the order of `LiveWords.phases`, microseconds by `LiveWords.percentiles`; `null`: nothing
   * of this phase happened.
   */
  readonly latencies: readonly (readonly number[] | null)[]
  /** Lookups in the token cache, in the order of `LiveWords.cacheResults`. */
  readonly cache: readonly number[]
  /** Reason and count, the most frequent first; at most 16. */
  readonly refusals: readonly (readonly [reason: string, count: number])[]
  /** Open connections of clients. */
  readonly connections: number
  /** Tokens that wait for a verification thread. */
  readonly verifying: number
  /** Of the busiest listener thread: share of the time in which its event loop was busy, 0 to 1. */
  readonly busiest: number
}

/** The words behind the places of numbers, and what does not change while the process runs. */
export interface LiveWords {
  readonly version: string
  readonly node: string
  readonly startedAtMs: number
  readonly outcomes: readonly string[]
  readonly phases: readonly string[]
  readonly percentiles: readonly number[]
  readonly cacheResults: readonly string[]
  /** By reason: the code that clients get, and what it means. */
  readonly reasons: Readonly<Record<string, { readonly code: string; readonly meaning: string }>>
}

export interface LiveIssuer {
  readonly name: string
  readonly state: string
  readonly keys: number
  /** `null` before the first fetch. */
  readonly keyAgeSeconds: number | null
  readonly failures: number
  /** Of the last attempt; `null`: it succeeded. */
  readonly lastFailure: string | null
  /** `null`: none is planned. */
  readonly nextRefreshSeconds: number | null
}

export interface LiveUpstream {
  readonly name: string
  readonly targets: number
  readonly ejected: number
  /** Requests in work or waiting; how many of them wait; open connections. Over all threads. */
  readonly pending: number
  readonly waiting: number
  readonly connected: number
}

export interface LiveEvent {
  /** Ascending, without gaps. */
  readonly id: number
  /** As in the log: an instant. */
  readonly time: string
  readonly level: string
  readonly stream: string
  readonly event: string
  /** Everything else in its log line, redacted as there. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** What the parts of the instance are in now. */
export interface LiveState {
  readonly ready: boolean
  readonly status: string
  readonly revision: {
    readonly id: number
    readonly sinceMs: number
    /** Why the file was not taken over when it was last read; empty: it was. */
    readonly problems: readonly string[]
  }
  readonly residentBytes: number
  readonly issuers: readonly LiveIssuer[]
  readonly introspection: readonly {
    readonly issuer: string
    readonly circuits: readonly { readonly callers: string; readonly state: string }[]
    readonly pauses: readonly { readonly callers: string; readonly seconds: number }[]
  }[]
  readonly upstreams: readonly LiveUpstream[]
  readonly threads: {
    readonly expected: number
    readonly restarts: number
    readonly listeners: readonly { readonly thread: number; readonly utilization: number }[]
    readonly signatures: string | null
  }
  /** `null`: nothing uses it. */
  readonly redis: { readonly open: number; readonly ready: number; readonly down: number } | null
  /** `null`: nothing is limited. */
  readonly limits: {
    readonly counted: number
    readonly locked: number
    readonly capacity: number
    readonly lockouts: number
    readonly fallbacks: number
    readonly evicted: number
  } | null
  readonly cache: { readonly entries: number; readonly slotsUsed: number; readonly slots: number }
  readonly revocations: {
    readonly active: number
    readonly capacity: number
    /** `null`: instances do not share them. */
    readonly feed: string | null
  }
  /** `null`: there are none in Redis. */
  readonly tenants: { readonly state: string; readonly size: number } | null
  readonly linesDropped: number
}

/** Per second, smoothed over some ten seconds. */
export interface LiveRoute {
  readonly name: string
  readonly perSecond: number
  /** In the order of `LiveWords.outcomes`. */
  readonly outcomes: readonly number[]
  /** Requests since the start. */
  readonly total: number
}

export interface LiveRoutes {
  /** How many there are, and how many of them match. */
  readonly count: number
  readonly matching: number
  /** The busiest. */
  readonly routes: readonly LiveRoute[]
}

/** The first event of a stream. */
export interface LiveStart {
  readonly words: LiveWords
  /** Of the last 15 minutes, the oldest first. */
  readonly history: readonly LiveSample[]
  readonly now: LiveSecond
}

/** Each further one. */
export interface LiveSecond {
  readonly sample: LiveSample | null
  readonly state: LiveState
  readonly routes: LiveRoutes
  /** That came since the last second; at the start, the most recent ones. */
  readonly events: readonly LiveEvent[]
}

/** Where the live page gets it all from. */
export interface LiveSource {
  start(): LiveStart
  /** @returns Ends it. Without a watcher less is looked at. */
  watch(onSecond: (second: LiveSecond) => void): () => void
  /** @param filter Part of a name, of any case; empty: all. */
  routes(filter: string): LiveRoutes
}
