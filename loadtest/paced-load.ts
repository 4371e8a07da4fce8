/**
 * Load at a fixed rate: each request has its time, whether or not earlier ones are answered, and
 * its latency counts from that time. A stall so meets every request that was due meanwhile, which
 * is what "without coordinated omission" means.
 *
 * autocannon is not used for this: it sends each second's requests in one burst.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'

export interface PacedLoadOptions {
  readonly origin: string
  readonly connections: number
  /** Requests a second. */
  readonly rate: number
  readonly requests: number
  /**
   * Latencies of this many first requests are not recorded: connections open, the client warms up.
   */
  readonly unrecorded: number
  readonly expectBody: string
  /** The request of this number, from 0 on. */
  readonly requestAt: (request: number) => PacedRequest
  readonly timeoutMs: number
}

export interface PacedRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Record<string, string>
  /** Empty: there is none. */
  readonly body: string
}

export interface PacedLoadResult {
  readonly responses: number
  readonly failures: number
  readonly durationSeconds: number
}

/** Sends requests on schedule and resolves when all are answered or have failed. */
export class PacedLoad {
  readonly #options: PacedLoadOptions
  readonly #record: (latencyMs: number) => void
  readonly #pool: Pool
  #responses = 0
  #failures = 0

  constructor(options: PacedLoadOptions, record: (latencyMs: number) => void) {
    this.#options = options
    this.#record = record
    const { connections, timeoutMs } = options
    this.#pool = new Pool(options.origin, {
      connections,
      pipelining: 1,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    })
  }

  async run(): Promise<PacedLoadResult> {
    const { rate, requests } = this.#options
    const startMs = performance.now()
    const sent: Promise<void>[] = []
    while (sent.length < requests) {
      const due = Math.min(requests, Math.floor(((performance.now() - startMs) / 1_000) * rate))
      while (sent.length < due) {
        const dueMs = startMs + (sent.length / rate) * 1_000
        sent.push(this.#send(sent.length, dueMs))
      }
      await sleep(1)
    }
    await Promise.all(sent)
    const durationSeconds = (performance.now() - startMs) / 1_000
    await this.#pool.close()
    return { responses: this.#responses, failures: this.#failures, durationSeconds }
  }

  async #send(request: number, dueMs: number): Promise<void> {
    const { method, path, headers, body: sent } = this.#options.requestAt(request)
    try {
      const { statusCode, body } = await this.#pool.request({
        method,
        path,
        headers,
        body: sent === '' ? null : sent,
      })
      const text = await body.text()
      const isGood = statusCode >= 200 && statusCode < 300 && text === this.#options.expectBody
      if (isGood) this.#responses += 1
      else this.#failures += 1
    } catch {
      this.#failures += 1
    }
    if (request >= this.#options.unrecorded) this.#record(performance.now() - dueMs)
  }
}
