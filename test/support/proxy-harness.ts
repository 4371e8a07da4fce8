/** Sends requests through the proxy from a client in memory to real upstreams. */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { AuthErrorCode } from '../../src/protocol/auth-error.ts'
import type { RefusalReason } from '../../src/protocol/refusal-reason.ts'
import { refuse } from '../../src/protocol/verification.ts'
import { forward } from '../../src/proxy/forward.ts'
import type {
  ForwardEnd,
  Forwarding,
  ForwardLimits,
  ForwardObserver,
} from '../../src/proxy/forward-request.ts'
import type { ResponseEdits } from '../../src/proxy/header-edits.ts'
import type { UpstreamCause } from '../../src/proxy/upstream-cause.ts'
import {
  UPSTREAM_POOL_LIMITS,
  UpstreamPool,
  type UpstreamPoolOptions,
} from '../../src/proxy/upstream-pool.ts'
import type { UpstreamTarget } from '../../src/proxy/upstream-target.ts'
import { type Clock, systemClock } from '../../src/runtime/clock.ts'
import { RecordingExchange, type RecordingOptions } from './recording-exchange.ts'

const DEADLINE_MS = 30_000
const POLL_MS = 2

/** Resolves as soon as `isReached` holds; fails the test at the deadline. */
export async function until(isReached: () => boolean, what: string): Promise<void> {
  const deadlineMs = performance.now() + DEADLINE_MS
  while (!isReached()) {
    assert.ok(performance.now() < deadlineMs, `waited too long for: ${what}`)
    await delay(POLL_MS)
  }
}

/** As these tests have them; an operator's are in the configuration. */
const SETTINGS = {
  connectTimeoutMs: 2_000,
  responseTimeoutMs: 30_000,
  bodyTimeoutMs: 60_000,
  ejectAfterFailures: 5,
  ejectionMs: 1_000,
  retryPercent: 10,
  keepAliveTimeoutMs: 4_000,
  responseHeaderBytesMax: 16_384,
  bodyBytesMax: Number.POSITIVE_INFINITY,
  host: { kind: 'client' },
  basePath: '',
  tls: { ca: null, certificate: null, key: null },
} as const

export function createPool(
  targets: readonly string[],
  options: Partial<UpstreamPoolOptions> = {},
  clock: Clock = systemClock,
): UpstreamPool {
  return new UpstreamPool(
    {
      ...UPSTREAM_POOL_LIMITS,
      ...SETTINGS,
      name: 'test',
      targets,
      connectionsPerTarget: 4,
      ...options,
    },
    clock,
  )
}

/** A clock that stands still until told otherwise. */
export class ManualClock implements Clock {
  ms = 1_000_000
  nowSeconds(): number {
    return Math.floor(this.ms / 1_000)
  }
  wallMs(): number {
    return this.ms
  }
  monotonicMs(): number {
    return this.ms
  }
  processMs(): number {
    return this.ms
  }
}

/** One request under way, and everything that is known about its end. */
export class TestForward implements ForwardObserver {
  readonly exchange: RecordingExchange
  readonly forwarding: Forwarding
  refusal: AuthErrorCode | null = null
  /** Why the upstream failed. */
  cause: UpstreamCause | null = null
  end: ForwardEnd | null = null
  statusCode = -1
  verdicts = 0
  answers = 0

  constructor(pool: UpstreamPool, options: TestForwardOptions) {
    this.exchange = new RecordingExchange(options)
    options.prepare?.(this.exchange)
    this.forwarding = forward(
      this.exchange,
      pool,
      {
        method: this.exchange.head.method,
        target: options.path ?? '/',
        headers: [...(options.upstreamHeaders ?? ['host', 'api.example.com'])],
        gatewayFields: options.gatewayFields ?? '',
        answerHeaders: options.answerHeaders ?? [],
        answerCors: null,
        responseEdits: options.responseEdits ?? null,
        limits: options.limits ?? null,
        withheldField: null,
      },
      this,
    )
  }

  onRefusal(
    reason: RefusalReason,
    _target: UpstreamTarget | null,
    cause: UpstreamCause | null,
  ): void {
    const { code } = refuse(reason)
    this.cause = cause
    this.verdicts += 1
    this.refusal = code
    this.exchange.send('599 refused', [], code)
  }

  onAnswer(): void {
    this.answers += 1
  }

  onSettled(
    statusCode: number,
    end: ForwardEnd,
    _target: UpstreamTarget | null,
    _bodyBytes: number,
    cause: UpstreamCause | null,
  ): void {
    this.cause = cause
    this.verdicts += 1
    this.statusCode = statusCode
    this.end = end
  }

  async settled(): Promise<this> {
    await until(() => this.verdicts > 0, 'the end of a request')
    assert.equal(this.verdicts, 1, 'there is one verdict')
    return this
  }
}

export interface TestForwardOptions extends RecordingOptions {
  readonly upstreamHeaders?: readonly string[]
  readonly gatewayFields?: string
  readonly answerHeaders?: readonly string[]
  readonly responseEdits?: ResponseEdits
  readonly limits?: ForwardLimits
  readonly prepare?: (exchange: RecordingExchange) => void
}

/** Sends one request and waits for its end. */
export function send(pool: UpstreamPool, options: TestForwardOptions = {}): Promise<TestForward> {
  return new TestForward(pool, options).settled()
}
