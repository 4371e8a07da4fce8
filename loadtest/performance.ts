/**
 * Entry of the performance report: takes all measurements, or those that are named, one after the
 * other, and writes their figures as JSON, as Markdown, and as charts.
 *
 *     node build/loadtest/performance.js [names…] [--rounds 5] [--seconds 3]
 *       [--soak-minutes 30] [--write-docs]
 *     node build/loadtest/performance.js --render-docs
 *
 * Without `--write-docs` everything goes to `build/performance/`. With it, the figures of what was
 * measured also replace those in `docs/`, and the others there stay. `--render-docs` measures
 * nothing: it writes what is in `docs/` anew, after a change of how it is shown. Ends with 1 when a
 * measurement failed, after all others, and with 2 when it was called wrongly.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { documentsFolder, readFigures, withFigures, writeReport } from './figures/report-files.ts'
import { type MachineFacts, machineFacts } from './machine-facts.ts'
import { MEASUREMENTS } from './measurements/all.ts'
import type { Effort, Measurement } from './measurements/measurement.ts'
import { soak } from './measurements/soak.ts'
import { positiveCount, positiveNumber } from './positive-number.ts'
import { PROJECT_ROOT } from './project-root.ts'
import { runOrdered } from './run-entry.ts'

const FAILED = 1
/** With less, figures are for a look, not for a page that others rely on. */
const ROUNDS_MIN = 5
const SOAK_MINUTES_MIN = 30
const DEFAULT_FOLDER = join(PROJECT_ROOT, 'build', 'performance')

interface Order {
  readonly measurements: readonly Measurement[]
  readonly effort: Effort
  readonly writesDocuments: boolean
  /** Whether documents are only written anew. */
  readonly rendersOnly: boolean
}

/** @throws When an option or a name is not one that exists. */
function readArguments(): Order {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
      'soak-minutes': { type: 'string', default: '30' },
      'write-docs': { type: 'boolean', default: false },
      'render-docs': { type: 'boolean', default: false },
    },
  })
  const names = MEASUREMENTS.map(({ name }) => name)
  const unknown = positionals.filter((name) => !names.includes(name))
  if (unknown.length > 0) {
    throw new Error(
      `No measurement is called ${unknown.join(', ')}. There are: ${names.join(', ')}.`,
    )
  }
  return {
    measurements: MEASUREMENTS.filter(
      ({ name }) => positionals.length === 0 || positionals.includes(name),
    ),
    effort: {
      rounds: positiveCount(values.rounds, 'rounds'),
      turnSeconds: positiveNumber(values.seconds, 'seconds'),
      soakMinutes: positiveNumber(values['soak-minutes'], 'soak-minutes'),
    },
    writesDocuments: values['write-docs'],
    rendersOnly: values['render-docs'],
  }
}

/** Takes one measurement and writes it, so that it is not lost with what comes later. */
async function take(one: Measurement, machine: MachineFacts, order: Order): Promise<void> {
  const date = new Date().toISOString().slice(0, 'YYYY-MM-DD'.length)
  const measured = await one.measure(order.effort)
  const figures = { name: one.name, date, machine, ...measured }
  const folders = order.writesDocuments ? [DEFAULT_FOLDER, documentsFolder()] : [DEFAULT_FOLDER]
  for (const folder of folders) writeReport(folder, withFigures(readFigures(folder), figures))
}

/** Tells where figures would come into `docs/` that too little was measured for. */
function warnOfLittle({ measurements, effort, writesDocuments }: Order): void {
  if (!writesDocuments) return
  const { rounds, soakMinutes } = effort
  const warn = (what: string, usual: number): void => {
    process.stderr.write(`Careful: ${what} instead of ${usual}, and the figures go into docs/.\n`)
  }
  const hasRounds = measurements.some(({ name }) => name !== soak.name)
  if (hasRounds && rounds < ROUNDS_MIN) warn(`rounds: ${rounds}`, ROUNDS_MIN)
  if (measurements.includes(soak) && soakMinutes < SOAK_MINUTES_MIN) {
    warn(`minutes of the soak: ${soakMinutes}`, SOAK_MINUTES_MIN)
  }
}

async function run(order: Order): Promise<void> {
  if (order.rendersOnly) writeReport(documentsFolder(), readFigures(documentsFolder()))
  else await takeAll(order)
}

async function takeAll(order: Order): Promise<void> {
  // Before anything of its own runs: what else the machine does.
  const machine = machineFacts()
  const { measurements } = order
  warnOfLittle(order)
  const failed: string[] = []
  for (const [index, one] of measurements.entries()) {
    process.stderr.write(`[${index + 1}/${measurements.length}] ${one.title} …\n`)
    try {
      await take(one, machine, order)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      process.stderr.write(`${one.name} failed: ${reason}\n`)
      failed.push(one.name)
    }
  }
  process.stderr.write(`The report: ${join(DEFAULT_FOLDER, 'performance.md')}\n`)
  if (failed.length === 0) return
  process.stderr.write(`Failed: ${failed.join(', ')}\n`)
  process.exitCode = FAILED
}

await runOrdered(readArguments, run)
