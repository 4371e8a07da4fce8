/**
 * The long run: `npm run fuzz [-- target …] [--seconds N] [--seed N]`, without names every target
 * in turn. An input that breaks one goes to test/fuzz/corpus, and the exit code is 1.
 */
import { spawnSync } from 'node:child_process'
import { setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { seededRandom } from '../../support/seeded-random.ts'
import { CodeCoverage } from './code-coverage.ts'
import { FuzzLoop } from './fuzz-loop.ts'
import {
  loadTarget,
  readKept,
  readSeeds,
  targetNames,
  writeKept,
  writeReproducer,
} from './fuzz-target.ts'
import { HangWatch } from './hang-watch.ts'

const SECONDS_USUAL = 60
const PROGRESS_MS = 5_000
/** Tests and people on the same machine come first. */
const LOW_PRIORITY = 10

interface Order {
  readonly targets: readonly string[]
  readonly seconds: number
  readonly seed: number
}

/** @returns `null` for what is none. */
function readOrder(words: readonly string[], known: readonly string[]): Order | null {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: { seconds: { type: 'string' }, seed: { type: 'string' } },
  })
  const seconds = Number(values.seconds ?? SECONDS_USUAL)
  const seed = Number(values.seed ?? Date.now() % 1_000_000_000)
  const areKnown = positionals.every((name) => known.includes(name))
  if (!areKnown || !(seconds > 0) || !Number.isInteger(seed)) return null
  return { targets: positionals.length === 0 ? known : positionals, seconds, seed }
}

/** @returns The exit code. */
async function fuzz(name: string, seconds: number, seed: number): Promise<number> {
  // Before the target is loaded, or its code would be counted by functions only.
  const coverage = new CodeCoverage()
  const target = await loadTarget(name)
  const watch = new HangWatch(name)
  const loop = new FuzzLoop({
    target,
    random: seededRandom(seed),
    coverage,
    onInput: (input) => watch.begin(input),
    onKept: (input) => writeKept(name, input),
  })
  const startedMs = performance.now()
  const say = (what: string): void => {
    const passed = (performance.now() - startedMs) / 1_000
    const rate = Math.round(loop.executions / passed)
    console.log(
      `${name}: ${what}, ${loop.executions} inputs in ${Math.round(passed)} s (${rate}/s), ` +
        `${loop.keptInputs} kept, ${coverage.coveredCharacters} characters of code covered`,
    )
  }
  say(`seed ${seed}`)
  const seeds = [...readSeeds(name), ...readKept(name)].map(({ input }) => input)
  let failure = loop.addSeeds(seeds)
  let saidMs = startedMs
  while (failure === null && performance.now() - startedMs < seconds * 1_000) {
    failure = loop.runBatch()
    if (performance.now() - saidMs < PROGRESS_MS) continue
    saidMs = performance.now()
    say('running')
  }
  await watch.stop()
  coverage.stop()
  const outcomes = [...loop.outcomes].map(([outcome, count]) => `${outcome} ${count}`)
  say(failure === null ? 'holds' : 'BROKEN')
  console.log(`${name}: ${outcomes.join(', ')}`)
  if (failure === null) return 0
  console.error(failure.error)
  console.error(`${name}: broken by ${writeReproducer(name, failure.input)}`)
  return 1
}

/** Each target in a process of its own, so that one does not warm up the code of another. */
function fuzzEach({ targets, seconds, seed }: Order): number {
  const command = fileURLToPath(import.meta.url)
  let exitCode = 0
  for (const target of targets) {
    const words = [target, '--seconds', `${seconds}`, '--seed', `${seed}`]
    const { status } = spawnSync(process.execPath, [...process.execArgv, command, ...words], {
      stdio: 'inherit',
    })
    exitCode ||= status ?? 1
  }
  return exitCode
}

const known = targetNames()
const order = readOrder(process.argv.slice(2), known)
setPriority(LOW_PRIORITY)
if (order === null) {
  console.error(`npm run fuzz [-- target …] [--seconds N] [--seed N]; targets: ${known.join(', ')}`)
  process.exitCode = 2
} else {
  const [only = ''] = order.targets
  const isOne = order.targets.length === 1
  process.exitCode = isOne ? await fuzz(only, order.seconds, order.seed) : fuzzEach(order)
}
