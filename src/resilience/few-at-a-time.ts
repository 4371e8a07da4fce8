/**
 * Work with files, a few pieces at a time.
 *
 * Each call to a disk that hangs holds a thread of the process's small pool, which also looks up
 * the names of upstreams: a few such calls, and no upstream could be reached any more.
 */
export class FewAtATime {
  readonly #most: number
  #underWay = 0
  /** Pieces that wait, in their order. */
  readonly #waiting: (() => void)[] = []

  /** @param most Pieces that may be under way at once. */
  constructor(most: number) {
    this.#most = most
  }

  /** Starts `work` when it is its turn, never within this call. Ask with a bound. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.#turn()
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#underWay -= 1
      // It takes over the place.
      else next()
    }
  }

  #turn(): Promise<void> {
    if (this.#underWay >= this.#most) return new Promise((begin) => this.#waiting.push(begin))
    this.#underWay += 1
    return Promise.resolve()
  }
}
