/**
 * Runs the cases of a bench in interleaved rounds (A B C A B C …), because shared machines are
 * noisy and drift: a case is only ever compared with its neighbours of the same rounds.
 *
 * Measures CPU time of the process (user + system, all threads), not the wall clock. A case of
 * which one round is over quickly has several rounds in its turn, so that its percentiles are of
 * more than a few.
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { build } from 'hdr-histogram-js'
import { positiveCount } from '../loadtest/positive-number.ts'

export interface BenchCase {
  readonly name: string
  /** Does the work this many times. May use other threads; resolves when all is done. */
  readonly run: (times: number) => void | Promise<void>
  /** How often in one round; enough for some tens of milliseconds. */
  readonly timesPerRound: number
}

/**
 * What one call of a case costs, in microseconds of CPU. Percentiles are over its rounds, each of
 * which is the mean of its calls: they do *not* tell of the slowest call.
 */
export interface CaseResult {
  readonly name: string
  readonly rounds: number
  readonly timesPerRound: number
  readonly leastMicros: number
  readonly p50Micros: number
  readonly p90Micros: number
  readonly p99Micros: number
}

export interface BenchResult {
  readonly title: string
  readonly cases: readonly CaseResult[]
  /** What the bench itself says about its run; empty: nothing. */
  readonly note: string
}

/** Turns of each case; the least of its rounds. */
export const ROUNDS_DEFAULT = 11
/** In one turn. */
const ROUNDS_PER_TURN_MAX = 10
/** CPU time after which a turn has no further round. */
const TURN_MICROS = 100_000

/** Rounds are counted in picoseconds, because some functions take a few nanoseconds. */
const UNITS_PER_MICROSECOND = 1_000_000
const SIGNIFICANT_DIGITS = 3
/** A second a call. */
const UNITS_MAX = 1_000_000 * UNITS_PER_MICROSECOND

const NAME_COLUMNS = 48
const FIGURE_COLUMNS = 11

/**
 * How many turns each case has, as the command line says.
 *
 * @throws When the text is not a whole number above 0.
 */
export function roundsOf(text: string | undefined): number {
  return text === undefined ? ROUNDS_DEFAULT : positiveCount(text, 'rounds')
}

/** One case with what its rounds have taken so far. */
class Measured {
  readonly #case: BenchCase
  readonly #histogram = build({
    highestTrackableValue: UNITS_MAX,
    numberOfSignificantValueDigits: SIGNIFICANT_DIGITS,
    bitBucketSize: 32,
  })
  #rounds = 0
  #leastMicros = Number.POSITIVE_INFINITY

  constructor(one: BenchCase) {
    this.#case = one
  }

  /** What is not measured: the first calls are of code that is not compiled yet. */
  async warmUp(): Promise<void> {
    await this.#case.run(this.#case.timesPerRound)
  }

  async takeTurn(): Promise<void> {
    const { timesPerRound } = this.#case
    let spentMicros = 0
    let rounds = 0
    do {
      spentMicros += await this.#round(timesPerRound)
      rounds += 1
    } while (rounds < ROUNDS_PER_TURN_MAX && spentMicros < TURN_MICROS)
  }

  async #round(times: number): Promise<number> {
    const before = process.cpuUsage()
    await this.#case.run(times)
    const { user, system } = process.cpuUsage(before)
    const micros = (user + system) / times
    this.#leastMicros = Math.min(this.#leastMicros, micros)
    this.#rounds += 1
    const units = Math.round(micros * UNITS_PER_MICROSECOND)
    this.#histogram.recordValue(Math.min(units, UNITS_MAX))
    return user + system
  }

  get result(): CaseResult {
    const { name, timesPerRound } = this.#case
    const micros = (percentile: number): number =>
      this.#histogram.getValueAtPercentile(percentile) / UNITS_PER_MICROSECOND
    return {
      name,
      rounds: this.#rounds,
      timesPerRound,
      leastMicros: this.#leastMicros,
      p50Micros: micros(50),
      p90Micros: micros(90),
      p99Micros: micros(99),
    }
  }
}

/**
 * Measures all cases and prints a line for each, in microseconds of CPU. When `run.ts` has started
 * this process, it gets the same as data. Of the command line it takes `--rounds`.
 *
 * @param note Asked when all is measured: what else there is to say about the run.
 */
export async function runBench(
  title: string,
  cases: readonly BenchCase[],
  note: () => string = () => '',
): Promise<void> {
  const { values } = parseArgs({ options: { rounds: { type: 'string' } } })
  const turns = roundsOf(values.rounds)
  const measured = cases.map((one) => new Measured(one))
  for (const one of measured) await one.warmUp()
  for (let turn = 0; turn < turns; turn += 1) {
    for (const one of measured) await one.takeTurn()
  }
  const result = { title, cases: measured.map((one) => one.result), note: note() }
  print(result)
  process.send?.(result)
}

function print({ title, cases, note }: BenchResult): void {
  const processors = cpus()
  const model = processors[0]?.model ?? 'unknown'
  console.log(`${title}\n${model}, ${processors.length} cores, Node ${process.version}\n`)
  console.log(row('case', ['least µs', 'p50', 'p90', 'p99', 'rounds']))
  for (const { name, rounds, leastMicros, p50Micros, p90Micros, p99Micros } of cases) {
    const figures = [leastMicros, p50Micros, p90Micros, p99Micros].map(microsText)
    console.log(row(name, [...figures, String(rounds)]))
  }
  console.log(note === '' ? '' : `\n${note}\n`)
}

function row(name: string, cells: readonly string[]): string {
  return name.padEnd(NAME_COLUMNS) + cells.map((cell) => cell.padStart(FIGURE_COLUMNS)).join('')
}

/** Microseconds for people: with nanoseconds where there are hardly more. */
export function microsText(micros: number): string {
  return micros.toFixed(micros < 1 ? 3 : 2)
}
