/**
 * Sends security events to the operator's webhook, in batches, each signed and repeated until it is
 * taken or given up. Never in the way of a request: threads write into bounded memory and go on.
 *
 *     thread ──line──► its buffer ──► queue ──batch──► POST, again after 1, 2, 4 … 60 s
 *                        │ full         │ full              │ refused, or failed too often
 *                        └──────────────┴──── dropped and counted
 */
import { createHmac } from 'node:crypto'
import { EventLimiter } from '../observability/event-limiter.ts'
import type { LogBuffer } from '../observability/log-buffer.ts'
import type { Logger } from '../observability/logger.ts'
import type { WebhookReading } from '../observability/metrics/metrics-reading.ts'
import { Backoff } from '../resilience/backoff.ts'
import { withinDeadline } from '../resilience/deadline.ts'
import { OutboundHttp, type OutboundResult } from '../resilience/outbound-http.ts'
import type { OutboundPath } from '../resilience/outbound-path.ts'
import { systemClock } from '../runtime/clock.ts'
import { randomFraction, randomHex } from '../runtime/randomness.ts'
import { WebhookQueue } from './webhook-queue.ts'

export interface WebhookOptions {
  readonly url: string
  readonly secret: string
  readonly timeoutMs: number
  readonly queueMax: number
  readonly batchMax: number
  readonly path: OutboundPath
}

/** Events that come together go together. */
const GATHER_MS = 250
const BACKOFF = { initialMs: 1_000, maxMs: 60_000 }
const ATTEMPTS_MAX = 10
/** At the end of the process all that is left is sent once, in so long. */
const FLUSH_MS = 2_000
const ANSWER_BYTES_MAX = 16_384
const DELIVERY_ID_BYTES = 16
const TELL_EVERY_MS = 60_000
/** The receiver will not take this batch, however often it is sent. */
const REFUSED: ReadonlySet<number | null> = new Set([400, 413, 415, 422])

/** Sent until it is done with, always under the same name. */
interface Batch {
  readonly delivery: string
  readonly lines: readonly string[]
}

type Attempt = 'delivered' | 'refused' | 'failed'
type BatchEnd = 'delivered' | 'dropped_refused' | 'dropped_given_up'

export class SecurityWebhook {
  readonly #options: WebhookOptions
  readonly #logger: Logger
  readonly #queue: WebhookQueue
  readonly #http: OutboundHttp
  readonly #backoff = new Backoff(BACKOFF, randomFraction)
  readonly #limiter = new EventLimiter(1, TELL_EVERY_MS)
  readonly #events = new Map<BatchEnd, number>([
    ['delivered', 0],
    ['dropped_refused', 0],
    ['dropped_given_up', 0],
  ])
  readonly #attempts = new Map<Attempt, number>([
    ['delivered', 0],
    ['refused', 0],
    ['failed', 0],
  ])
  /** What is being sent; `null`: nothing. */
  #batch: Batch | null = null
  #isFailing = false
  #isEnding = false
  #running: Promise<void> | null = null
  #endPause: (() => void) | null = null

  /** @param buffers What the threads write their security events into. */
  constructor(options: WebhookOptions, buffers: readonly LogBuffer[], logger: Logger) {
    this.#options = options
    this.#http = new OutboundHttp({ connectionsPerOrigin: 1, path: options.path })
    this.#logger = logger
    this.#queue = new WebhookQueue(buffers, options.queueMax)
    this.#queue.collect()
  }

  /** A thread has written something. */
  wake(): void {
    this.#queue.collect()
    if (this.#running !== null || this.#isEnding || this.#queue.length === 0) return
    this.#running = this.#run().finally(() => {
      this.#running = null
    })
  }

  reading(): WebhookReading {
    const events = new Map<string, number>(this.#events)
    events.set('dropped_queue_full', this.#queue.dropped)
    return { events, attempts: this.#attempts, queued: this.#queue.length }
  }

  /** Sends what is there once more, in bounded time, and drops the rest. */
  async end(): Promise<void> {
    this.#isEnding = true
    this.#endPause?.()
    const deadlineMs = systemClock.monotonicMs() + FLUSH_MS
    await withinDeadline(this.#running ?? Promise.resolve(), FLUSH_MS, undefined)
    this.#queue.collect()
    while (this.#queue.length > 0) {
      const leftMs = Math.floor(deadlineMs - systemClock.monotonicMs())
      const batch = this.#nextBatch()
      const attempt = leftMs < 1 ? 'failed' : await this.#send(batch, leftMs)
      this.#settle(batch, attempt === 'delivered' ? 'delivered' : 'dropped_given_up')
    }
    await this.#http.close()
  }

  async #run(): Promise<void> {
    await this.#pause(GATHER_MS)
    while (!this.#isEnding && this.#queue.length > 0) {
      const batch = this.#nextBatch()
      const result = await this.#deliver(batch)
      // Ended in the middle: what was not taken is sent once more by `end`.
      if (result !== null) this.#settle(batch, result)
    }
  }

  /** @returns `null` when the process ends before it was taken. */
  async #deliver(batch: Batch): Promise<BatchEnd | null> {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
      const end = await this.#send(batch, this.#options.timeoutMs)
      if (end === 'delivered') {
        this.#backoff.reset()
        return end
      }
      if (end === 'refused') return 'dropped_refused'
      if (this.#isEnding) return null
      await this.#pause(this.#backoff.nextDelayMs())
      if (this.#isEnding) return null
    }
    return 'dropped_given_up'
  }

  async #send({ delivery, lines }: Batch, timeoutMs: number): Promise<Attempt> {
    const { url, secret } = this.#options
    // The name is in the body too, because that is what is signed.
    const body = `{"delivery":"${delivery}","events":[${lines.join(',')}]}`
    const timestamp = String(systemClock.nowSeconds())
    const result = await this.#http.post({
      url,
      accept: '*/*',
      contentType: 'application/json',
      body,
      headers: {
        'sallyport-delivery': delivery,
        'sallyport-timestamp': timestamp,
        'sallyport-signature': webhookSignature(secret, timestamp, body),
      },
      bodyBytesMax: ANSWER_BYTES_MAX,
      timeoutMs: Math.min(timeoutMs, this.#options.timeoutMs),
    })
    const end = endOf(result)
    this.#attempts.set(end, (this.#attempts.get(end) ?? 0) + 1)
    this.#tell(end, result)
    return end
  }

  #tell(end: Attempt, result: OutboundResult): void {
    if (end === 'delivered') {
      if (this.#isFailing) this.#logger.log({ event: 'webhook_recovered' })
      this.#isFailing = false
      return
    }
    this.#isFailing = true
    const reason = result.ok ? 'status' : result.reason
    if (this.#limiter.admit(reason, systemClock.monotonicMs()) === null) return
    this.#logger.log({ event: 'webhook_failed', reason, status: result.status })
  }

  #nextBatch(): Batch {
    const lines = () => this.#queue.first(this.#options.batchMax)
    this.#batch ??= { delivery: randomHex(DELIVERY_ID_BYTES), lines: lines() }
    return this.#batch
  }

  #settle(batch: Batch, result: BatchEnd): void {
    // At the end of the process it may have been given up while an attempt was under way.
    if (this.#batch !== batch) return
    this.#batch = null
    const { length: count } = batch.lines
    this.#queue.remove(count)
    this.#events.set(result, (this.#events.get(result) ?? 0) + count)
  }

  async #pause(durationMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, durationMs)
      this.#endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#endPause = null
  }
}

/**
 * What the receiver compares: HMAC-SHA256 over the time and the body, which holds the name of the
 * batch, so that none of them can be changed, and an old message cannot be sent again as a new one.
 *
 * @returns `v1=` and 64 hexadecimal digits.
 */
function webhookSignature(secret: string, timestamp: string, body: string): string {
  return `v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`
}

function endOf(result: OutboundResult): Attempt {
  // It has said yes, whatever is wrong with the page that came with it.
  const { status } = result
  if (result.ok || (status !== null && status >= 200 && status <= 299)) return 'delivered'
  return REFUSED.has(status) ? 'refused' : 'failed'
}
