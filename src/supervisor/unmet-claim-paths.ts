/** Tells the log of paths of claims at which tokens have nothing: each of them once. */
import type { Logger } from '../observability/logger.ts'
import type { UnmetClaimPath } from '../verifiers/claim-path-watch.ts'

/** Reloads bring new paths. Beyond so many, nothing is told any more. */
const PATHS_MAX = 1_000

/** One for the process: every thread finds out by itself, and again after each reload. */
export class UnmetClaimPaths {
  readonly #logger: Pick<Logger, 'log'>
  readonly #told = new Set<string>()

  constructor(logger: Pick<Logger, 'log'>) {
    this.#logger = logger
  }

  note({ issuer, setting, path }: UnmetClaimPath): void {
    const key = JSON.stringify([issuer, path])
    if (this.#told.has(key) || this.#told.size === PATHS_MAX) return
    this.#told.add(key)
    this.#logger.log({ event: 'claim_path_unmet', issuer, setting, path })
  }
}
