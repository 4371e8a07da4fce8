/**
 * How many requests run under one revision, so that what only it needs can end behind the last.
 *
 * Hot path: `begin` and `end`, one addition each.
 */
export class RevisionUse {
  #running = 0
  #onUnused: (() => void) | null = null

  begin(): void {
    this.#running += 1
  }

  end(): void {
    this.#running -= 1
    if (this.#running === 0 && this.#onUnused !== null) this.#onUnused()
  }

  /** No request begins under it any more. @param onUnused Called once: when none runs. */
  retire(onUnused: () => void): void {
    if (this.#running === 0) onUnused()
    else this.#onUnused = onUnused
  }
}
