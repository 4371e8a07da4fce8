/**
 * Runs the cases of a bench in interleaved rounds and reports medians, because shared machines are
 * noisy and drift: a case is only ever compared with its neighbours of the same rounds.
 *
 * Measures CPU time of the process (user + system, all threads), not the wall clock.
 */
import { cpus } from 'node:os'

export interface BenchCase {
  readonly name: string
  /** Does the work this many times. May use other threads; resolves when all is done. */
  readonly run: (times: number) => void | Promise<void>
  /** How often in one round; enough for some tens of milliseconds. */
  readonly timesPerRound: number
}

const ROUNDS = 11

/** Measures all cases and prints one line each: median and least, in microseconds of CPU. */
export async function runBench(title: string, cases: readonly BenchCase[]): Promise<void> {
  const processors = cpus()
  const model = processors[0]?.model ?? 'unknown'
  console.log(`${title}\n${model}, ${processors.length} cores, Node ${process.version}\n`)
  // The first round only warms up.
  const rounds = new Map<string, number[]>(cases.map(({ name }) => [name, []]))
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const { name, run, timesPerRound } of cases) {
      const before = process.cpuUsage()
      await run(timesPerRound)
      const { user, system } = process.cpuUsage(before)
      if (round > 0) rounds.get(name)?.push((user + system) / timesPerRound)
    }
  }
  console.log(`${'case'.padEnd(44)}${'median µs'.padStart(12)}${'least µs'.padStart(12)}`)
  for (const [name, results] of rounds) {
    results.sort((left, right) => left - right)
    const median = results[results.length >> 1] ?? Number.NaN
    const least = results[0] ?? Number.NaN
    console.log(`${name.padEnd(44)}${format(median)}${format(least)}`)
  }
}

function format(micros: number): string {
  return micros.toFixed(2).padStart(12)
}
