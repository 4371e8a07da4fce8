/**
 * Bounds how often something is done for callers who each want it fresh: all who ask while it is
 * being done, or while it must not be done again yet, share the next time.
 *
 * @param pauseMs Between the end of one time and the start of the next.
 * @returns `work`, spaced. What it gives was begun after it was asked for.
 */
export function spaced<T>(pauseMs: number, work: () => Promise<T>): () => Promise<T> {
  let isFree: Promise<unknown> = Promise.resolve()
  let next: Promise<T> | null = null
  const pause = (): Promise<void> => {
    return new Promise((resolve) => {
      setTimeout(resolve, pauseMs).unref()
    })
  }
  return () => {
    if (next !== null) return next
    next = isFree.then(() => {
      next = null
      return work()
    })
    isFree = next.then(pause, pause)
    return next
  }
}
