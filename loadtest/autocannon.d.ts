/** The part of autocannon's interface that the load tests use; the package ships no types. */
declare module 'autocannon' {
  export interface Request {
    readonly method: string
    readonly path: string
    readonly headers: Record<string, string>
    readonly body?: string
  }

  interface Client {
    setRequests(requests: Request[]): void
  }

  interface Options {
    readonly url: string
    readonly connections: number
    readonly duration?: number
    /** Requests in all, spread evenly over the connections; ends the run instead of `duration`. */
    readonly amount?: number
    /** Seconds that one request may take. */
    readonly timeout?: number
    /** Called for each connection before its first request. */
    readonly setupClient?: (client: Client) => void
    /** Every other body counts as a mismatch. */
    readonly expectBody?: string
  }

  interface Result {
    readonly '2xx': number
    readonly non2xx: number
    readonly errors: number
    readonly timeouts: number
    readonly mismatches: number
    readonly resets: number
    /** Seconds. */
    readonly duration: number
  }

  interface Running extends Promise<Result> {
    on(
      event: 'response',
      listener: (client: Client, status: number, bytes: number, latencyMs: number) => void,
    ): void
  }

  // biome-ignore lint/style/noDefaultExport: this is how the package exports.
  export default function autocannon(options: Options): Running
}
