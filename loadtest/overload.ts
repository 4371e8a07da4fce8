/**
 * Entry of the overload test ({@link takeOverloadRounds}) alone, with options of its own:
 *
 *     node build/loadtest/overload.js [--connections 512] [--cpu 0.5] [--rounds 3] [--seconds 4]
 *       [--new-tokens]
 */
import { parseArgs } from 'node:util'
import {
  middleOf,
  type OverloadLoad,
  type OverloadOptions,
  takeOverloadRounds,
} from './overload-rounds.ts'
import { positiveCount, positiveNumber } from './positive-number.ts'
import { runEntry } from './run-entry.ts'

function readOptions(): OverloadOptions {
  const { values } = parseArgs({
    options: {
      connections: { type: 'string', default: '512' },
      cpu: { type: 'string', default: '0.5' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '4' },
      'new-tokens': { type: 'boolean', default: false },
    },
  })
  return {
    connections: positiveCount(values.connections, 'connections'),
    cpuShare: positiveNumber(values.cpu, 'cpu'),
    rounds: positiveCount(values.rounds, 'rounds'),
    durationSeconds: positiveNumber(values.seconds, 'seconds'),
    everyTokenNew: values['new-tokens'],
  }
}

function rowOf(load: OverloadLoad, peak: number): string {
  const good = middleOf(load, (turn) => turn.goodPerSecond)
  const cells = [
    load.name,
    middleOf(load, (turn) => turn.duePerSecond).toFixed(0),
    good.toFixed(0),
    (good / peak).toFixed(2),
    middleOf(load, (turn) => turn.cpuMicrosPerGood).toFixed(1),
    middleOf(load, (turn) => turn.refusedPerSecond).toFixed(0),
    middleOf(load, ({ result }) => result.unsent / result.durationSeconds).toFixed(0),
    middleOf(load, ({ result }) => result.lost).toFixed(0),
    middleOf(load, ({ result }) => result.open).toFixed(0),
    middleOf(load, ({ result }) => result.p50Ms).toFixed(1),
    middleOf(load, ({ result }) => result.p99Ms).toFixed(1),
    middleOf(load, ({ result }) => result.refusalMsMax).toFixed(0),
  ]
  return `| ${cells.join(' | ')} |`
}

async function main(): Promise<void> {
  const loads = await takeOverloadRounds(readOptions())
  const [peak] = loads
  const most = peak === undefined ? Number.NaN : middleOf(peak, (turn) => turn.goodPerSecond)
  process.stdout.write(
    '| load | arrive a second | good a second | of the peak | CPU, µs | refused a second | unsent a second ' +
      '| connections lost | open at the end | p50, ms | p99, ms | slowest refusal, ms |\n',
  )
  process.stdout.write(`|${' ---: |'.repeat(12)}\n`)
  for (const load of loads) process.stdout.write(`${rowOf(load, most)}\n`)
}

await runEntry(main)
