/**
 * The last refusals of one listener thread, so that the id in an answer finds its reason. Of a
 * request it keeps what an operator may know: no query, no field, no credential, no claim.
 *
 * A request that passes is not seen here. A refusal costs one small object and one look-up less
 * than its answer.
 */
import type { AuthErrorCode } from '../protocol/auth-error.ts'
import type { RefusalReason } from '../protocol/refusal-reason.ts'
import { redactText } from './redact.ts'
import type { PathRedaction } from './redact-path.ts'

/** Of one thread. A flood of refusals pushes out what came before. */
const REFUSALS_KEPT_MAX = 256
/** Longer paths and addresses are cut. */
const PATH_LENGTH_MAX = 256
const ADDRESS_LENGTH_MAX = 255

export interface RecentRefusal {
  readonly requestId: string
  /** Wall clock. */
  readonly atMs: number
  /** `none`: the request could not be read. */
  readonly method: string
  /** Without the query; empty when the request could not be read. */
  readonly path: string
  /** `none`: no route. */
  readonly route: string
  readonly tenant: string | null
  readonly clientAddress: string
  /** Whether the route only reported it, and the request went on. */
  readonly shadow: boolean
  readonly status: number
  readonly code: AuthErrorCode
  readonly reason: RefusalReason
  /** Which rule or claim it was, or why the upstream failed; never a value. */
  readonly detail: string | null
}

interface Kept {
  readonly refusal: RecentRefusal
  readonly paths: PathRedaction
}

export class RecentRefusals {
  readonly #kept: Kept[] = []
  #next = 0

  /**
   * In place of the oldest one, once there are {@link REFUSALS_KEPT_MAX}.
   *
   * @param paths What of the path is told; applied when it is told, and before it is cut.
   */
  keep(refusal: RecentRefusal, paths: PathRedaction): void {
    const isLong = refusal.path.length > PATH_LENGTH_MAX
    this.#kept[this.#next] = { refusal: isLong ? told({ refusal, paths }) : refusal, paths }
    this.#next = (this.#next + 1) % REFUSALS_KEPT_MAX
  }

  /** Newest first. @param requestId Only that of this request; `null`: all. */
  find(requestId: string | null): readonly RecentRefusal[] {
    const newest = [...this.#kept.slice(this.#next), ...this.#kept.slice(0, this.#next)].reverse()
    const found =
      requestId === null ? newest : newest.filter(({ refusal }) => refusal.requestId === requestId)
    return found.map(told)
  }
}

function told({ refusal, paths }: Kept): RecentRefusal {
  const { path, clientAddress } = refusal
  return {
    ...refusal,
    path: path === '' ? '' : paths.apply(path).slice(0, PATH_LENGTH_MAX),
    // A trusted proxy may have made it up.
    clientAddress: redactText(clientAddress.slice(0, ADDRESS_LENGTH_MAX)),
  }
}
