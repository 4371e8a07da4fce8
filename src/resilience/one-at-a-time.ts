/**
 * Work with files, one piece after the other.
 *
 * Each call to a disk that hangs holds a thread of the process's small pool, which also looks up
 * the names of upstreams: a few such calls, and no upstream could be reached any more.
 */
export class OneAtATime {
  #last: Promise<unknown> = Promise.resolve()

  /** Starts `work` when all that was asked for before has settled. Ask with a bound. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work)
    this.#last = result
    return result
  }
}

/** For files with keys that the configuration names. */
export const keyFileReads = new OneAtATime()
