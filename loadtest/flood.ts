/**
 * Entry of the flood test ({@link takeFloodRounds}) alone, with options of its own:
 *
 *     node build/loadtest/flood.js [--connections 64] [--rounds 3] [--seconds 4] [--cpu 0.3]
 */
import { parseArgs } from 'node:util'
import { takeFloodRounds } from './flood-rounds.ts'
import { positiveCount, positiveNumber } from './positive-number.ts'
import { runEntry } from './run-entry.ts'

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      connections: { type: 'string', default: '64' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '4' },
      cpu: { type: 'string' },
    },
  })
  const outcomes = await takeFloodRounds({
    connections: positiveCount(values.connections, 'connections'),
    rounds: positiveCount(values.rounds, 'rounds'),
    seconds: positiveNumber(values.seconds, 'seconds'),
    cpuShare: values.cpu === undefined ? null : positiveNumber(values.cpu, 'cpu'),
  })
  const [alone] = outcomes
  process.stdout.write(
    '| bad tokens | good a CPU second | share | good a second | share | bad a second |\n',
  )
  process.stdout.write(`| --- |${' ---: |'.repeat(5)}\n`)
  for (const { kind, goodPerCpuSecond, goodPerSecond, badPerSecond } of outcomes) {
    const cells = [
      kind ?? 'none',
      goodPerCpuSecond.toFixed(0),
      (goodPerCpuSecond / (alone?.goodPerCpuSecond ?? Number.NaN)).toFixed(2),
      goodPerSecond.toFixed(0),
      (goodPerSecond / (alone?.goodPerSecond ?? Number.NaN)).toFixed(2),
      badPerSecond.toFixed(0),
    ]
    process.stdout.write(`| ${cells.join(' | ')} |\n`)
  }
}

await runEntry(main)
