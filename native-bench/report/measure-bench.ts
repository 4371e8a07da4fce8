/** Runs one bench in a process of its own, so that none compiles or collects for another. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { BenchResult } from '../bench.ts'

export type BenchOutcome =
  | { readonly kind: 'measured'; readonly name: string; readonly result: BenchResult }
  | { readonly kind: 'failed'; readonly name: string; readonly reason: string }

/** What takes longer has hung: each takes less than a minute. */
const BENCH_MS_MAX = 900_000

const STANDARD_ERROR = 2

/**
 * All that the bench prints goes to standard error, as the progress of the whole.
 *
 * @param name Of {@link BENCHES}.
 * @param rounds See {@link runBench}.
 */
export async function measureBench(name: string, rounds: number): Promise<BenchOutcome> {
  const program = fileURLToPath(new URL(`../${name}.js`, import.meta.url))
  const child = fork(program, ['--rounds', String(rounds)], {
    execArgv: ['--enable-source-maps'],
    stdio: ['ignore', STANDARD_ERROR, STANDARD_ERROR, 'ipc'],
    timeout: BENCH_MS_MAX,
  })
  let result: BenchResult | null = null
  child.on('message', (message) => {
    result = message as BenchResult
  })
  // `close` comes behind the last message.
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return outcomeOf(name, result, code, signal)
}

function outcomeOf(
  name: string,
  result: BenchResult | null,
  code: number | null,
  signal: NodeJS.Signals | null,
): BenchOutcome {
  if (signal !== null) return { kind: 'failed', name, reason: `ended by ${signal}` }
  if (code !== 0) return { kind: 'failed', name, reason: `exit code ${code}` }
  if (result === null) return { kind: 'failed', name, reason: 'no result' }
  return { kind: 'measured', name, result }
}
