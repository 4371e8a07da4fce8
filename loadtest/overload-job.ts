/** Hands one run of the overload test to its client process and reads the result. */
import { runClient } from './child-process.ts'
import type { RunningPeer } from './peer.ts'
import { HOT_TOKENS } from './scenario.ts'

export interface OverloadJob {
  readonly port: number
  /** Of the gateway. */
  readonly processId: number
  readonly tokensFile: string
  readonly firstToken: number
  /** From `firstToken` on. */
  readonly tokens: number
  /** Whether they are used in rotation. Else the run is void when there are too few. */
  readonly repeatsTokens: boolean
  /** Keep-alive connections at most, each with one request in flight. */
  readonly connections: number
  /** Requests that become due each second; `null`: the next one as soon as an answer is there. */
  readonly rate: number | null
  /** What is counted, behind {@link RAMP_SECONDS}. */
  readonly durationSeconds: number
}

/** Connections are opened, and nothing is counted. */
export const RAMP_SECONDS = 1

export interface OverloadResult {
  /** Answers by status. */
  readonly answers: Readonly<Record<string, number>>
  /** Due while all connections were in use: a user who sees a page that does not come. */
  readonly unsent: number
  /** Connections that were closed or refused while a request was under way. */
  readonly lost: number
  /** Requests without an answer at the end. */
  readonly open: number
  readonly durationSeconds: number
  /** That the gateway has used. */
  readonly cpuMicros: number
  /** From sending to an answer with 200: not from when it was due, if it was not sent then. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** The longest time until an answer that is a refusal. */
  readonly refusalMsMax: number
}

/** Known tokens in rotation, the next request as soon as an answer is there. */
export function fullSpeedJob(
  { port, processId }: Pick<RunningPeer, 'port' | 'processId'>,
  tokensFile: string,
  connections: number,
  durationSeconds: number,
): OverloadJob {
  return {
    port,
    processId,
    tokensFile,
    firstToken: 0,
    tokens: HOT_TOKENS,
    repeatsTokens: true,
    connections,
    rate: null,
    durationSeconds,
  }
}

/** @throws When the client process fails; whatever becomes of a request is counted instead. */
export function runOverload(job: OverloadJob): Promise<OverloadResult> {
  return runClient('overload-client', job)
}
