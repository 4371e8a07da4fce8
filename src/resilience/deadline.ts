/** Bounds the time that anything asynchronous may take, for work that cannot be cancelled. */

/**
 * Settles with what `work` resolves to, or with `fallback` once `timeoutMs` have passed or `work`
 * has rejected. Never rejects. The work itself goes on: its late result is dropped.
 */
export function withinDeadline<T>(work: Promise<T>, timeoutMs: number, fallback: T): Promise<T> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(fallback), timeoutMs)
    work.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      () => {
        clearTimeout(timer)
        resolve(fallback)
      },
    )
  })
}
