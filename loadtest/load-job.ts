/** Hands one run of load to the client process and reads its result. */
import { runClient } from './child-process.ts'
import type { CredentialField, Errand } from './scenario.ts'

export interface LoadJob {
  readonly port: number
  readonly errand: Errand
  readonly tokensFile: string
  /** Where the credential goes. */
  readonly field: CredentialField
  /** What else each request carries. */
  readonly otherFields: Readonly<Record<string, string>>
  readonly firstToken: number
  /** Tokens used, from `firstToken` on. */
  readonly tokens: number
  /** Requests in all, each with a token of its own; `null`: as many as fit into the duration. */
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
