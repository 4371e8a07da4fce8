/** What is served when more comes than can be served. */
import { middleOf, type OverloadLoad, takeOverloadRounds } from '../overload-rounds.ts'
import type { Measurement } from './measurement.ts'

interface Case {
  readonly title: string
  readonly connections: number
  readonly cpuShare: number
  readonly everyTokenNew: boolean
}

const CASES: readonly Case[] = [
  { title: 'hot tokens', connections: 256, cpuShare: 0.5, everyTokenNew: false },
  { title: 'hot tokens', connections: 512, cpuShare: 0.5, everyTokenNew: false },
  { title: 'hot tokens', connections: 2_000, cpuShare: 0.5, everyTokenNew: false },
  { title: 'every token new', connections: 512, cpuShare: 0.2, everyTokenNew: true },
]

function rowOf(one: Case, load: OverloadLoad, peak: number): string[] {
  const good = middleOf(load, (turn) => turn.goodPerSecond)
  return [
    one.title,
    String(one.connections),
    String(one.cpuShare),
    load.name,
    middleOf(load, (turn) => turn.duePerSecond).toFixed(0),
    good.toFixed(0),
    (good / peak).toFixed(2),
    middleOf(load, (turn) => turn.refusedPerSecond).toFixed(0),
    middleOf(load, ({ result }) => result.p99Ms).toFixed(0),
  ]
}

export const overload: Measurement = {
  name: 'overload',
  title: 'more than can be served',
  async measure({ rounds, turnSeconds: durationSeconds }) {
    const rows: string[][] = []
    for (const one of CASES) {
      process.stderr.write(`  ${one.title}, ${one.connections} connections …\n`)
      const loads = await takeOverloadRounds({ ...one, rounds, durationSeconds })
      const [first] = loads
      if (first === undefined) continue
      const peak = middleOf(first, (turn) => turn.goodPerSecond)
      rows.push(...loads.map((load) => rowOf(one, load, peak)))
    }
    return {
      method: `Medians of ${rounds} rounds of ${durationSeconds} s for each case`,
      programs: [],
      skipped: [],
      tables: [
        {
          columns: [
            'work',
            'connections at most',
            'processors',
            'load',
            'arrive a second',
            'served a second',
            'of the peak',
            'refused a second',
            'p99 from sending, ms',
          ],
          rows,
        },
      ],
      charts: [],
    }
  },
}
