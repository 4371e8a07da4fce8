/**
 * Verifies session cookies: one question to the store for each request, which also prolongs a
 * session of our own. Those of others are prolonged afterwards, if at all, because only they know
 * for how long each was meant to live.
 *
 *     cookie ──► id ──► key ──GETEX──► record ──► identity
 *
 * The store is asked every time and no two requests share a look-up: a session that was deleted is
 * refused on the very next request. Only what a record means is remembered, for as long as the
 * store answers with the very same text.
 */
import type { RefusalReason } from '../../protocol/refusal-reason.ts'
import { spanOf } from '../../protocol/tell-claims.ts'
import type { Trace } from '../../protocol/trace.ts'
import {
  type Anonymous,
  type Identity,
  type Refused,
  refuse,
  type Verification,
} from '../../protocol/verification.ts'
import { NO_KEY } from '../../shared-memory/key-generations.ts'
import { KnownRecords } from '../known-records.ts'
import { ownSessionId, type SessionFormat } from './session-format.ts'
import { type KeyHash, sessionKey } from './session-key.ts'
import type { SessionRecord } from './session-record.ts'
import type { SessionReader } from './session-store.ts'

export interface SessionRules {
  readonly format: SessionFormat
  readonly keyPrefix: string
  readonly keyHash: KeyHash
  /** How long a session lives after its last request. `null`: the program that wrote it decides. */
  readonly ttlSeconds: number | null
  /**
   * How long it lives at all, counted from when it was created, or first seen where the record does
   * not say when.
   */
  readonly absoluteTtlSeconds: number
  /** Whether that bounds sessions as well that do not say when they were created. */
  readonly keepsAbsoluteTtl: boolean
}

/** What a record came to. */
interface ReadSession {
  readonly kind: 'session'
  readonly identity: Identity
  /** First second in which no use keeps the session alive; infinite when nothing says. */
  readonly endSeconds: number
}

/** When something was first seen that does not say when it began; `null`: not known for now. */
export interface SessionFirstSights {
  of(name: string, nowSeconds: number, keptUntilSeconds: number): Promise<number | null>
  /** As `of`, and remembers nothing. */
  peek(name: string, nowSeconds: number): Promise<number | null>
}

/** How long the first sight of a session is kept that may live for ever: 400 days. */
const ENDLESS_SECONDS = 400 * 86_400

export class SessionVerifier {
  readonly #known = new KnownRecords<ReadSession>()
  readonly #store: SessionReader
  readonly #firstSights: SessionFirstSights
  readonly #rules: SessionRules
  readonly #onUnreadable: (reason: RefusalReason) => void

  /** @param onUnreadable Told of each session that cannot be read, as often as it is asked for. */
  constructor(
    store: SessionReader,
    firstSights: SessionFirstSights,
    rules: SessionRules,
    onUnreadable: (reason: RefusalReason) => void = () => {},
  ) {
    this.#store = store
    this.#firstSights = firstSights
    this.#rules = rules
    this.#onUnreadable = onUnreadable
  }

  /**
   * Refuses with `invalid_session_format`, before the store hears of it; `session_not_found`;
   * `session_expired`; `no_session` when what the store holds cannot be read, which is no outage:
   * it would be so the next time as well; `verifier_unavailable` when the store does not answer.
   * Does *not* check where the request comes from: see cross-site-request.ts.
   *
   * @param trace Where the request is only explained: then the session is not prolonged, and none
   *   is deleted.
   * @returns Anonymous for a live session without a user: a visitor's.
   */
  async verify(
    cookieValue: string,
    nowSeconds: number,
    trace: Trace | null = null,
  ): Promise<Verification | Anonymous> {
    const { keyPrefix, keyHash, ttlSeconds, format } = this.#rules
    const id = ownSessionId(format, cookieValue)
    if (id === null) return refuse(format.notOurs)
    const key = sessionKey(keyPrefix, keyHash, id)
    const isProlonged = trace === null && !format.isLifeForeign
    const reply = await this.#store.getex(key, isProlonged ? ttlSeconds : null)
    if (!reply.ok) return this.#refuseReply(reply.reason, trace)
    if (reply.value === null) return refuse('session_not_found')
    trace?.tell('session', 'ok', 'the store has it')
    const known = trace === null ? this.#known.recall(key, reply.value) : null
    const session = known ?? (await this.#read(key, reply.value, id, nowSeconds, trace))
    if (session.kind === 'refused') return session
    if (session.kind === 'anonymous') {
      trace?.tell('session', 'note', 'it has no user: it counts as no credential')
      return session
    }
    if (trace !== null) tellLife(trace, session, nowSeconds)
    return this.#check(session, key, nowSeconds, trace === null)
  }

  /** With a trace it is read anew, and nothing is remembered. */
  async #read(
    key: string,
    text: string,
    id: string,
    nowSeconds: number,
    trace: Trace | null,
  ): Promise<ReadSession | Anonymous | Refused> {
    const record = this.#rules.format.readRecord(text, id)
    if (record.kind === 'refused') return this.#refuseUnreadable(record, trace)
    if (record.kind === 'anonymous') return record
    const issuedAtSeconds =
      record.createdAtSeconds ?? (await this.#firstSeen(key, nowSeconds, trace === null))
    if (issuedAtSeconds === null) {
      trace?.tell('session', 'no', 'when it began is neither in its record nor to be found out')
      return refuse('session_undated')
    }
    const endSeconds = this.#endOf(record, issuedAtSeconds)
    const expiresAtSeconds = Number.isFinite(endSeconds) ? endSeconds : null
    const identity = { ...record.identity, issuedAtSeconds, expiresAtSeconds }
    const session = { kind: 'session', identity, endSeconds } as const
    if (trace === null) this.#known.keep(key, text, session)
    return session
  }

  #refuseReply(reason: string, trace: Trace | null): Refused {
    if (reason === 'too_large') return this.#refuseUnreadable(refuse('session_too_large'), trace)
    if (reason === 'wrong_type') return this.#refuseUnreadable(refuse('session_unreadable'), trace)
    return refuse('session_store_unavailable')
  }

  #refuseUnreadable(refusal: Refused, trace: Trace | null): Refused {
    if (trace === null) this.#onUnreadable(refusal.reason)
    else tellUnreadable(trace, refusal)
    return refusal
  }

  /** @param acts Whether the store is told what follows. */
  #check(
    { identity, endSeconds }: ReadSession,
    key: string,
    nowSeconds: number,
    acts: boolean,
  ): Verification {
    const { ttlSeconds } = this.#rules
    if (nowSeconds >= endSeconds) {
      if (acts) void this.#store.delete(key)
      return refuse('session_expired')
    }
    const slidSeconds = ttlSeconds === null ? endSeconds : nowSeconds + ttlSeconds
    if (acts) this.#setLife(key, slidSeconds, endSeconds)
    return {
      kind: 'verified',
      identity,
      deadAtSeconds: Math.min(slidSeconds, endSeconds),
      keySlot: NO_KEY.slot,
      keyGeneration: NO_KEY.generation,
    }
  }

  /** Not awaited. The look-up may have prolonged a session of ours beyond its end. */
  #setLife(key: string, slidSeconds: number, endSeconds: number): void {
    const { ttlSeconds, format } = this.#rules
    if (format.isLifeForeign) {
      if (ttlSeconds !== null) void this.#store.prolong(key, Math.min(slidSeconds, endSeconds))
    } else if (slidSeconds > endSeconds) void this.#store.expireAt(key, endSeconds)
  }

  /**
   * Kept for twice as long as the session may live: one that is too old must not begin anew.
   *
   * @param isKept Whether a first sight is remembered.
   */
  #firstSeen(key: string, nowSeconds: number, isKept: boolean): Promise<number | null> {
    const { absoluteTtlSeconds, keepsAbsoluteTtl } = this.#rules
    const name = `session\n${key}`
    if (!isKept) return this.#firstSights.peek(name, nowSeconds)
    const lifeSeconds = keepsAbsoluteTtl ? 2 * absoluteTtlSeconds : ENDLESS_SECONDS
    return this.#firstSights.of(name, nowSeconds, nowSeconds + lifeSeconds)
  }

  #endOf({ createdAtSeconds, expiresAtSeconds }: SessionRecord, issuedAtSeconds: number): number {
    const isBounded = createdAtSeconds !== null || this.#rules.keepsAbsoluteTtl
    const byAge = isBounded
      ? issuedAtSeconds + this.#rules.absoluteTtlSeconds
      : Number.POSITIVE_INFINITY
    return Math.min(byAge, expiresAtSeconds ?? Number.POSITIVE_INFINITY)
  }
}

function tellUnreadable(trace: Trace, { reason, detail }: Refused): void {
  const which = detail === null ? '' : ` (${detail})`
  trace.tell('session', 'no', `its record cannot be used: ${reason}${which}`)
}

function tellLife(trace: Trace, { identity, endSeconds }: ReadSession, nowSeconds: number): void {
  const isAlive = nowSeconds < endSeconds
  const age = spanOf(Math.max(0, Math.trunc(nowSeconds - (identity.issuedAtSeconds ?? nowSeconds))))
  const end = isAlive ? 'has not come' : 'has come'
  const told = `it began ${age} ago; its end (absoluteTtl, or its record) ${end}`
  trace.tell('session', isAlive ? 'ok' : 'no', told)
}
