/** Hands one run of load to the client process and reads its result. */
import { runClient } from './child-process.ts'
import type { CredentialKind, Errand } from './scenario.ts'

/** Requests that the client puts together before it sends the first, over all connections. */
export const PREPARED_MAX = 64_000
/** Of their bodies together: with large ones it repeats fewer requests. */
export const PREPARED_BYTES_MAX = 64 * 1_048_576

export interface LoadJob {
  readonly port: number
  readonly errand: Errand
  readonly tokensFile: string
  /** Which kind they are: where they go. */
  readonly credential: CredentialKind
  /** What else each request carries. */
  readonly otherFields: Readonly<Record<string, string>>
  /** So many tokens at the beginning of the file are sent again and again. */
  readonly hotTokens: number
  /** One request in so many carries a new token; 0: none does. */
  readonly newEvery: number
  /** Where the new tokens of this job begin. */
  readonly firstNewToken: number
  /** Requests in all; `null`: as many as fit into the duration. Needed where tokens are new. */
  readonly requests: number | null
  readonly durationSeconds: number
  /** Keep-alive connections, each with one request in flight. */
  readonly connections: number
  /** Requests a second over all connections; `null`: as fast as the answers come. */
  readonly rate: number | null
}

export interface LoadResult {
  readonly responses: number
  /** Anything but a 2xx with the body of the errand. */
  readonly failures: number
  readonly durationSeconds: number
  readonly p50Micros: number
  readonly p99Micros: number
  readonly p999Micros: number
}

/** @throws When the client process fails; a failed *response* is counted instead. */
export function runLoad(job: LoadJob): Promise<LoadResult> {
  return runClient('load-client', job)
}
