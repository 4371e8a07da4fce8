/**
 * The revisions of one listener thread: the one that requests begin under, those that requests
 * still run under, and one that is prepared.
 *
 *     prepare ──► commit ──► retired when the next one is committed ──► released behind its last
 *        └──────► drop                                                  request
 */
import type { Gateway } from '../gateway/gateway.ts'
import { assertInvariant } from '../runtime/assert-invariant.ts'
import type { RevisionPlan } from '../threads/listener-start.ts'
import type { ListenerParts } from './compose.ts'

export interface ThreadRevisionsParts {
  readonly gateway: Gateway
  readonly compose: (plan: RevisionPlan) => ListenerParts
  /** Settles when the parts can serve, or with why they cannot. */
  readonly startProblem: (parts: ListenerParts, plan: RevisionPlan) => Promise<string | null>
  /** Requests begin under it from now on. */
  readonly onCommit: (plan: RevisionPlan) => void
}

interface Prepared {
  readonly plan: RevisionPlan
  readonly parts: ListenerParts
}

export class ThreadRevisions {
  readonly #parts: ThreadRevisionsParts
  #current: ListenerParts
  #prepared: Prepared | null = null
  readonly #live = new Set<ListenerParts>()

  /** @param first What the gateway has begun with. */
  constructor(first: ListenerParts, parts: ThreadRevisionsParts) {
    this.#parts = parts
    this.#current = first
    this.#live.add(first)
  }

  get current(): ListenerParts {
    return this.#current
  }

  /** Whatever changes outside of configurations has to be told to all of these. */
  get live(): ReadonlySet<ListenerParts> {
    return this.#live
  }

  /** @returns Why it cannot be, for operators; `null`: it can be committed. */
  async prepare(plan: RevisionPlan): Promise<string | null> {
    if (this.#prepared !== null) this.drop(this.#prepared.plan.revisionId)
    const prepared = { plan, parts: this.#parts.compose(plan) }
    this.#prepared = prepared
    this.#live.add(prepared.parts)
    const problem = await this.#parts.startProblem(prepared.parts, plan)
    // The supervisor may have given it up meanwhile.
    if (this.#prepared !== prepared) return 'it was given up'
    if (problem !== null) this.drop(plan.revisionId)
    return problem
  }

  commit(revisionId: number): null {
    const prepared = this.#prepared
    assertInvariant(
      prepared?.plan.revisionId === revisionId,
      'what is committed was prepared and not dropped',
    )
    const old = this.#current
    this.#prepared = null
    this.#current = prepared.parts
    this.#parts.gateway.revision = prepared.parts.revision
    this.#parts.onCommit(prepared.plan)
    old.revision.use.retire(() => this.#release(old))
    return null
  }

  drop(revisionId: number): void {
    if (this.#prepared?.plan.revisionId !== revisionId) return
    const { parts } = this.#prepared
    this.#prepared = null
    this.#release(parts)
  }

  /** Closing takes as long as what runs, and is not waited for. */
  #release(parts: ListenerParts): void {
    this.#live.delete(parts)
    void parts.lease.release()
  }
}
