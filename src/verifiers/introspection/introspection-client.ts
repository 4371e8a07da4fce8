/**
 * Asks one introspection endpoint (RFC 7662 §2.1): a few attempts within one deadline, each with
 * the leave of a circuit breaker.
 *
 *     its turn ──► breaker's leave ──► request on a connection ──► answer
 *     our own load:   the endpoint's time begins here
 *     `overloaded`
 *
 * Strangers, tokens that the endpoint has not called active of late, can be anybody's invention.
 * They get a share of the connections, and when their attempts fail, a breaker opens for them:
 * tokens that it called active a while ago are still asked about, under a breaker of their own.
 *
 * When the endpoint says that it was asked too often, and for how long not to ask (429 with
 * `Retry-After`), strangers are not asked about until then. If they were not the cause, no token is
 * (endpoint-pauses.ts).
 */
import type { ProofMaker } from '../../protocol/client-authentication.ts'
import {
  type IntrospectionAnswerPolicy,
  type ProcessedIntrospection,
  processIntrospectionResponse,
} from '../../protocol/introspection-response.ts'
import type { Trace } from '../../protocol/trace.ts'
import type { BreakerPermit, CircuitBreaker } from '../../resilience/circuit-breaker.ts'
import type { ConnectionTurns, TurnEnd } from '../../resilience/connection-turns.ts'
import type { EarlyProbes } from '../../resilience/early-probes.ts'
import type { OutboundHttp, OutboundResult } from '../../resilience/outbound-http.ts'
import type { Clock } from '../../runtime/clock.ts'
import { randomHex } from '../../runtime/randomness.ts'
import type { EndpointPauses, PausedCallers } from './endpoint-pauses.ts'
import { EndpointProbe, type ProbeVerdict } from './endpoint-probe.ts'
import type { EndpointStanding } from './endpoint-standing.ts'
import { introspectionRequest, isJsonType } from './introspection-request.ts'
import { answerText, tellUnasked } from './tell-introspection.ts'

export interface IntrospectionClientOptions {
  readonly endpoint: string
  /** All attempts together; as long again for a turn before the first. */
  readonly timeoutMs: number
  readonly attempts: number
  readonly retryDelayMs: number
}

export interface IntrospectionClientParts {
  readonly http: OutboundHttp
  /** Shared by all endpoints of one origin. */
  readonly turns: ConnectionTurns
  /** For everybody. */
  readonly breaker: CircuitBreaker
  readonly probes: EarlyProbes
  /** Answers to probes that close it before its time. */
  readonly probeAnswers: number
  /** For known tokens, while the other one is open. */
  readonly knownBreaker: CircuitBreaker
  readonly pauses: EndpointPauses
  /** Hears of every answer. */
  readonly standing: EndpointStanding
  readonly prove: ProofMaker
  readonly clock: Clock
}

/** A token, and whether the endpoint has called it active a while ago. */
export interface IntrospectedToken {
  readonly text: string
  readonly isKnown: boolean
}

/**
 * Besides what the processing of answers says: `unreachable` (no answer, a time-out, or an answer
 * that is not 200 and JSON), `circuit_open` and `paused` (not asked), and `request_refused` (the
 * endpoint, or something before it, does not take this request, which a token can bring about: that
 * says nothing about the endpoint). `overloaded`: not asked, because too many others are being
 * asked about, or were until the endpoint would not be asked about strangers: no outage.
 */
export type IntrospectionOutcome =
  | Exclude<ProcessedIntrospection, { kind: 'undecided' }>
  | { readonly kind: 'undecided'; readonly reason: UndecidedReason }
  | { readonly kind: 'overloaded' }

export type UndecidedReason =
  | 'circuit_open'
  | 'paused'
  | 'unreachable'
  | 'request_refused'
  | Extract<ProcessedIntrospection, { kind: 'undecided' }>['reason']

interface Leave {
  readonly breaker: CircuitBreaker
  readonly permit: BreakerPermit
}

const CIRCUIT_OPEN = undecided('circuit_open')
const PAUSED = undecided('paused')
const UNREACHABLE = undecided('unreachable')
const REQUEST_REFUSED = undecided('request_refused')
const OVERLOADED: IntrospectionOutcome = Object.freeze({ kind: 'overloaded' })
/** Of the endpoint, but that it is there. */
const SAYS_NOTHING: ReadonlySet<IntrospectionOutcome> = new Set([
  REQUEST_REFUSED,
  PAUSED,
  OVERLOADED,
])
const MARGIN_MS = 1_000
const PROBE_TOKEN_BYTES = 32
const STATUS_OK = 200
const STATUS_CLIENT_ERROR_MIN = 400
const STATUS_SERVER_ERROR_MIN = 500
/**
 * Of 400 to 499, those that a token cannot bring about: who we are (401, 407), where we ask (404,
 * 405, 410, 421), and how often or how slowly (408, 425, 429). The others may be about the token:
 * bad, too long, not understood, or taken for an attack by a firewall.
 */
const ABOUT_US: ReadonlySet<number> = new Set([401, 404, 405, 407, 408, 410, 421, 425, 429])

export class IntrospectionClient {
  /** Requests sent since the start. */
  attemptCount = 0
  readonly #options: IntrospectionClientOptions
  readonly #parts: IntrospectionClientParts
  readonly #probe: EndpointProbe

  constructor(options: IntrospectionClientOptions, parts: IntrospectionClientParts) {
    this.#options = options
    this.#parts = parts
    this.#probe = new EndpointProbe({
      ...parts,
      answers: parts.probeAnswers,
      answerMsMax: 2 * options.timeoutMs + MARGIN_MS,
    })
  }

  /** What became of the requests, since the start: {@link EndpointStanding.counts}. */
  get results(): EndpointStanding['counts'] {
    return this.#parts.standing.counts
  }

  /**
   * Never rejects. An answer that decides nothing counts as a failure of the endpoint, like none at
   * all, except where the token may be the cause: one client must not open the breaker for all. Of
   * a known token it is never the cause: the endpoint has taken it before. A status below 500 is
   * not asked for again: the endpoint would say the same.
   */
  async introspect(
    token: IntrospectedToken,
    policy: IntrospectionAnswerPolicy,
    nowSeconds: number,
    trace: Trace | null = null,
  ): Promise<IntrospectionOutcome> {
    const { turns, pauses } = this.#parts
    // A token that could not be asked about anyway need not wait for its turn.
    const paused = pauses.keeping(token.isKnown)
    if (paused !== null) {
      if (trace !== null) tellUnasked(trace, this.#options.endpoint, 'paused')
      return outcomeOfPause(paused)
    }
    if (!this.#mayBeAsked(token.isKnown)) {
      if (trace !== null) tellUnasked(trace, this.#options.endpoint, 'circuit_open')
      if (pauses.keeping(false) === null) this.#probe.wake(() => this.#askAboutRandom(policy))
      return CIRCUIT_OPEN
    }
    const turn = await turns.take(token.isKnown, this.#options.timeoutMs)
    if (turn === null) {
      if (trace !== null) tellUnasked(trace, this.#options.endpoint, 'crowded')
      return OVERLOADED
    }
    let end: TurnEnd = 'failed'
    try {
      const { outcome, isTimeout } = await this.#ask(token, policy, nowSeconds, trace)
      if (isDecided(outcome)) end = 'decided'
      else if (outcome === REQUEST_REFUSED) end = 'refused'
      else if (isTimeout) end = 'timed_out'
      return outcome
    } finally {
      turns.giveBack(turn, end)
    }
  }

  async #ask(
    token: IntrospectedToken,
    policy: IntrospectionAnswerPolicy,
    nowSeconds: number,
    trace: Trace | null,
  ): Promise<{ readonly outcome: IntrospectionOutcome; readonly isTimeout: boolean }> {
    const { attempts, timeoutMs, retryDelayMs } = this.#options
    const { clock, pauses, standing } = this.#parts
    const deadlineMs = clock.monotonicMs() + timeoutMs
    let last = { outcome: CIRCUIT_OPEN, isTimeout: false }
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      if (attempt > 1) await pause(retryDelayMs)
      const leftMs = Math.floor(deadlineMs - clock.monotonicMs())
      if (leftMs < 1) return last
      // It may have begun while this one waited.
      const paused = pauses.keeping(token.isKnown)
      if (paused !== null) return { outcome: outcomeOfPause(paused), isTimeout: false }
      const leave = this.#askForLeave(token.isKnown)
      if (leave === null) return last
      const result = await this.#post(token, leftMs, nowSeconds)
      const asked = pauses.heed(result, token.isKnown)
      const outcome =
        asked === null
          ? outcomeOf(result, token, policy, clock.nowSeconds(), trace)
          : outcomeOfPause(asked)
      standing.note(result, isDecided(outcome))
      trace?.tell('introspection', ...answerText(this.#options.endpoint, result, outcome))
      last = { outcome, isTimeout: !result.ok && result.reason === 'timeout' }
      this.#report(leave, outcome)
      if (isDecided(outcome) || isFinal(result)) return last
    }
    return last
  }

  #mayBeAsked(isKnown: boolean): boolean {
    const { breaker, knownBreaker, clock } = this.#parts
    const nowMs = clock.wallMs()
    return breaker.state(nowMs) !== 'open' || (isKnown && knownBreaker.state(nowMs) !== 'open')
  }

  #askForLeave(isKnown: boolean): Leave | null {
    const { breaker, knownBreaker, clock } = this.#parts
    for (const asked of isKnown ? [breaker, knownBreaker] : [breaker]) {
      const permit = asked.tryAcquire(clock.wallMs())
      if (permit !== null) return { breaker: asked, permit }
    }
    return null
  }

  #report({ breaker, permit }: Leave, outcome: IntrospectionOutcome): void {
    if (isDecided(outcome)) {
      breaker.succeeded(permit)
      this.#parts.probes.confirmed()
    } else if (SAYS_NOTHING.has(outcome)) breaker.released(permit)
    else breaker.failed(permit, this.#parts.clock.wallMs())
  }

  /** Asks about a random token: if anything is decided about it, the endpoint works. */
  async #askAboutRandom(policy: IntrospectionAnswerPolicy): Promise<ProbeVerdict> {
    const token = { text: randomHex(PROBE_TOKEN_BYTES), isKnown: false }
    const { clock, pauses, turns, standing } = this.#parts
    const turn = await turns.take(false, this.#options.timeoutMs)
    if (turn === null) return 'failed'
    const result = await this.#post(token, this.#options.timeoutMs, clock.nowSeconds())
    turns.giveBack(turn, 'failed')
    const outcome = outcomeOf(result, token, policy, clock.nowSeconds(), null)
    standing.note(result, isDecided(outcome))
    if (pauses.heed(result, false) !== null) return 'unclear'
    if (outcome === REQUEST_REFUSED) return 'unclear'
    return isDecided(outcome) ? 'alive' : 'failed'
  }

  #post(token: IntrospectedToken, timeoutMs: number, nowSeconds: number): Promise<OutboundResult> {
    const { http, prove, pauses } = this.#parts
    if (!token.isKnown) pauses.unknownAsked()
    this.attemptCount += 1
    const { endpoint } = this.#options
    return http.post(introspectionRequest(endpoint, token.text, prove(nowSeconds), timeoutMs))
  }
}

/** A pause of strangers means that they are too many; a pause of all tokens is an outage. */
function outcomeOfPause(callers: PausedCallers): IntrospectionOutcome {
  return callers === 'all' ? PAUSED : OVERLOADED
}

function isDecided({ kind }: IntrospectionOutcome): boolean {
  return kind !== 'undecided' && kind !== 'overloaded'
}

function outcomeOf(
  result: OutboundResult,
  token: IntrospectedToken,
  policy: IntrospectionAnswerPolicy,
  nowSeconds: number,
  trace: Trace | null,
): IntrospectionOutcome {
  if (!token.isKnown && mayBeAboutToken(result.status)) return REQUEST_REFUSED
  if (!result.ok || result.status !== STATUS_OK) return UNREACHABLE
  if (!isJsonType(result.mediaType)) return UNREACHABLE
  trace?.tell('introspection', 'note', 'the endpoint has answered; what it says of the token:')
  return processIntrospectionResponse(result.body, token.text, policy, nowSeconds, trace)
}

function mayBeAboutToken(status: number | null): boolean {
  if (status === null || ABOUT_US.has(status)) return false
  return status >= STATUS_CLIENT_ERROR_MIN && status < STATUS_SERVER_ERROR_MIN
}

/** Whether the endpoint has said what it will say again. */
function isFinal(result: OutboundResult): boolean {
  const { status } = result
  return status !== null && status !== STATUS_OK && status < STATUS_SERVER_ERROR_MIN
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, durationMs)
  })
}

function undecided(
  reason: 'circuit_open' | 'paused' | 'unreachable' | 'request_refused',
): IntrospectionOutcome {
  return Object.freeze({ kind: 'undecided', reason })
}
