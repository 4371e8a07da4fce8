/**
 * Runs all benches, or those that are named, one after the other, and writes one report of them as
 * Markdown and as JSON. Progress goes to standard error. Run:
 *
 *     node build/native-bench/run.js [names…] [--json file] [--markdown file] [--rounds n]
 *
 * Ends with 1 when a bench failed, after all others have run, and with 2 when it was called
 * wrongly.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { machineFacts } from '../loadtest/machine-facts.ts'
import { PROJECT_ROOT } from '../loadtest/project-root.ts'
import { runOrdered } from '../loadtest/run-entry.ts'
import { proveSignatures } from '../src/verifiers/jwt/signature-proof.ts'
import { roundsOf } from './bench.ts'
import { algorithmRows } from './report/algorithm-table.ts'
import { BENCHES, SIGNATURE_BENCH } from './report/benches.ts'
import { type BenchOutcome, measureBench } from './report/measure-bench.ts'
import { type NativeBenchReport, renderReport } from './report/render-report.ts'
import { installedVersions } from './report/versions.ts'

const FAILED = 1

interface Order {
  readonly names: readonly string[]
  readonly rounds: number
  readonly jsonFile: string
  readonly markdownFile: string
}

/** @throws When an option or a name is not one that exists. */
function readArguments(): Order {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      json: { type: 'string', default: join(PROJECT_ROOT, 'build', 'native-bench-report.json') },
      markdown: { type: 'string', default: join(PROJECT_ROOT, 'build', 'native-bench-report.md') },
    },
  })
  const unknown = positionals.filter((name) => !BENCHES.includes(name))
  if (unknown.length > 0) {
    throw new Error(`No bench is called ${unknown.join(', ')}. There are: ${BENCHES.join(', ')}.`)
  }
  return {
    names: positionals.length === 0 ? BENCHES : [...new Set(positionals)],
    rounds: roundsOf(values.rounds),
    jsonFile: values.json,
    markdownFile: values.markdown,
  }
}

async function run({ names, rounds, jsonFile, markdownFile }: Order): Promise<void> {
  const machine = machineFacts()
  const benches: BenchOutcome[] = []
  for (const [index, name] of names.entries()) {
    process.stderr.write(`[${index + 1}/${names.length}] ${name} …\n`)
    const outcome = await measureBench(name, rounds)
    if (outcome.kind === 'failed') process.stderr.write(`${name} failed: ${outcome.reason}\n`)
    benches.push(outcome)
  }
  const versions = installedVersions()
  const report: NativeBenchReport = {
    machine,
    versions,
    rounds,
    ...signatures(benches),
    benches,
  }
  write(jsonFile, `${JSON.stringify(report, null, 2)}\n`)
  write(markdownFile, renderReport(report))
  process.stderr.write(`The report: ${markdownFile} and ${jsonFile}\n`)
  const failed = benches.filter(({ kind }) => kind === 'failed').map(({ name }) => name)
  if (failed.length === 0) return
  process.stderr.write(`Failed: ${failed.join(', ')}\n`)
  process.exitCode = FAILED
}

/** Which backend is used is asked of the code by which the gateway itself finds out. */
function signatures(
  benches: readonly BenchOutcome[],
): Pick<NativeBenchReport, 'algorithms' | 'bindingFault'> {
  const { backends, bindingFault } = proveSignatures()
  const measured = benches.find(({ name }) => name === SIGNATURE_BENCH)
  const cases = measured?.kind === 'measured' ? measured.result.cases : []
  return { bindingFault, algorithms: cases.length === 0 ? [] : algorithmRows(cases, backends) }
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

await runOrdered(readArguments, run)
