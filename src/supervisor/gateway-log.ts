/**
 * The log of the whole process. Each thread has a bounded buffer; the supervisor empties all of
 * them to the standard output, and says what is missing.
 */
import type { GatewayConfiguration } from '../config/sections.ts'
import { DroppedLines } from '../observability/dropped-lines.ts'
import { LineWriter } from '../observability/line-writer.ts'
import {
  createLogBufferMemory,
  LogBuffer,
  type LogBufferMemory,
} from '../observability/log-buffer.ts'
import { Logger } from '../observability/logger.ts'
import type { LogReading, WebhookReading } from '../observability/metrics/metrics-reading.ts'
import { openStandardOutput } from '../observability/standard-output.ts'
import { assertInvariant } from '../runtime/assert-invariant.ts'
import { systemClock } from '../runtime/clock.ts'
import type { ServerEngine } from '../server/server-engine.ts'
import { RecentEvents } from './recent-events.ts'
import { SecurityWebhook } from './security-webhook.ts'
import { ALERT_BUFFER_BYTES } from './webhook-queue.ts'

const STANDARD_OUTPUT = 1
const BYTES_PER_KIB = 1_024
const BUFFER_BYTES_MIN = 16_384
/** The last lines of a process are waited for so long. */
const END_TIMEOUT_MS = 1_000
/** A reader that is always behind is told of missing lines so often. */
const TELL_AT_LAST_MS = 10_000

export class GatewayLog {
  /** Of the supervisor. */
  readonly logger: Logger
  readonly recent = new RecentEvents()
  readonly #memories: readonly LogBufferMemory[]
  readonly #own: LogBuffer
  readonly #buffers: readonly LogBuffer[]
  readonly #dropped: DroppedLines
  /** One a listener thread; none without a webhook. */
  readonly #alertMemories: readonly LogBufferMemory[]
  readonly #webhook: SecurityWebhook | null
  readonly #writer: LineWriter
  /** Lines are missing, although the reader reads; `null`: all that are missing were told. */
  #untoldSinceMs: number | null = null

  constructor({ logging, tuning }: GatewayConfiguration) {
    const count = tuning.listenerThreads
    const bufferBytes = Math.floor((logging.bufferKiB * BYTES_PER_KIB) / (count + 1))
    const createMemory = () => createLogBufferMemory(Math.max(bufferBytes, BUFFER_BYTES_MIN))
    this.#memories = Array.from({ length: count }, createMemory)
    this.#own = new LogBuffer(createMemory(), () => this.wake())
    const others = this.#memories.map((memory) => new LogBuffer(memory, () => {}))
    this.#buffers = [this.#own, ...others]
    this.#dropped = new DroppedLines(this.#buffers)
    const { level, webhook } = logging
    const createAlerts = () => createLogBufferMemory(ALERT_BUFFER_BYTES)
    this.#alertMemories = webhook === null ? [] : this.#memories.map(createAlerts)
    const alerts = webhook && new LogBuffer(createAlerts(), () => this.#webhook?.wake())
    this.logger = new Logger({ level, thread: null, sink: this.#own, alerts }, systemClock)
    const alertsOfThreads = this.#alertMemories.map((memory) => new LogBuffer(memory, () => {}))
    this.#webhook =
      webhook && alerts && new SecurityWebhook(webhook, [alerts, ...alertsOfThreads], this.logger)
    this.#writer = new LineWriter({
      sources: this.#buffers.map((buffer) => this.recent.watch(buffer)),
      output: openStandardOutput(STANDARD_OUTPUT),
      onFlowing: () => this.#tellDropped(),
      onIdle: () => this.#waitForLines(),
    })
    this.#waitForLines()
  }

  sayWhatStarts(version: string, engine: ServerEngine, configuration: GatewayConfiguration): void {
    const { cache, tuning } = configuration
    this.logger.log({
      event: 'starting',
      version,
      node: process.version,
      listenerThreads: this.#memories.length,
      cores: tuning.cores,
      memoryLimitMiB: tuning.memoryLimitMiB,
      cacheMiB: cache.sizeMiB,
    })
    if (engine.kind === 'node') {
      const { parser, isShared } = engine
      this.logger.log({ event: isShared ? 'node_server_used' : 'node_server_alone', parser })
      return
    }
    const { kind, sha256 } = engine.binary
    const event = 'native_server_loaded'
    this.logger.log({ event, version: engine.binary.version, kind, sha256 })
  }

  /**
   * For a {@link LogBuffer} in the listener thread of this index. A thread that is started again
   * gets the same: what its predecessor said last is still in it.
   */
  memoryOf(index: number): LogBufferMemory {
    const memory = this.#memories[index]
    assertInvariant(memory !== undefined, 'every listener thread has a log buffer')
    return memory
  }

  /** A listener thread has something to say, or has ended. */
  wake(): void {
    this.#writer.wake()
    this.#webhook?.wake()
  }

  /** As {@link memoryOf}, for what goes to the webhook; `null`: there is none. */
  alertMemoryOf(index: number): LogBufferMemory | null {
    return this.#alertMemories[index] ?? null
  }

  /** `null`: there is no webhook. */
  webhookReading(): WebhookReading | null {
    return this.#webhook?.reading() ?? null
  }

  reading(): LogReading {
    return { dropped: this.#dropped.totals(), failures: this.#writer.failures }
  }

  /** Writes the last lines, in bounded time. What is logged afterwards is nowhere. */
  async end(): Promise<void> {
    await this.#webhook?.end()
    await this.#writer.end(END_TIMEOUT_MS)
  }

  /** Once for each time that lines were missing: when no buffer is near its end any more. */
  #tellDropped(): void {
    if (!this.#dropped.hasUntold) return
    const nowMs = systemClock.monotonicMs()
    this.#untoldSinceMs ??= nowMs
    const isOver = this.#buffers.every((buffer) => buffer.isLow)
    const isLate = nowMs - this.#untoldSinceMs >= TELL_AT_LAST_MS
    // Where the supervisor's own buffer has no room, the line would be missing too.
    if (!(isOver || (isLate && this.#own.isLow))) return
    this.#untoldSinceMs = null
    this.logger.log({ event: 'log_lines_dropped', ...this.#dropped.tell() })
  }

  #waitForLines(): void {
    for (const buffer of this.#buffers) buffer.wait()
  }
}
