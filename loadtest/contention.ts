/**
 * How much is gained by more threads, derived from what a unit of work costs with one thread and
 * with two: the Universal Scalability Law with its coefficient of contention (sigma) alone, which
 * is Amdahl's law.
 *
 * Where every thread has a processor of its own, work that costs `c` with one thread and
 * `c * (1 + sigma * (threads - 1))` with more gives `threads / (1 + sigma * (threads - 1))` times
 * as much of it.
 */

/** @returns Sigma, at least 0. Both costs in the same unit of CPU time, above 0. */
export function contentionOf(costWithOne: number, costWithTwo: number): number {
  return Math.max(0, costWithTwo / costWithOne - 1)
}

/** Capacity with so many threads and as many processors, relative to one thread. */
export function capacityWith(threads: number, sigma: number): number {
  return threads / (1 + sigma * (threads - 1))
}
