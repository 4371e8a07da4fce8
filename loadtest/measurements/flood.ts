/** What a flood of bad tokens leaves of good traffic. */
import { type FloodOutcome, takeFloodRounds } from '../flood-rounds.ts'
import type { Measurement } from './measurement.ts'

const CPU_SHARE = 0.3
const CONNECTIONS = [64, 512] as const
const TITLES = {
  signature: 'bad signature',
  key: 'unknown `kid`',
  rubbish: 'rubbish',
}

export const flood: Measurement = {
  name: 'flood',
  title: 'a flood of bad tokens',
  async measure({ rounds, turnSeconds: seconds }) {
    const rows: string[][] = []
    for (const connections of CONNECTIONS) {
      process.stderr.write(`  ${connections} connections …\n`)
      const outcomes = await takeFloodRounds({ connections, rounds, seconds, cpuShare: CPU_SHARE })
      rows.push(...rowsOf(connections, outcomes))
    }
    return {
      method:
        `Medians of ${rounds} interleaved rounds of ${seconds} s, ${CPU_SHARE} of a processor for ` +
        'the gateway',
      programs: [],
      skipped: [],
      tables: [
        {
          columns: [
            'bad tokens, none sent twice',
            'their connections',
            'good a second',
            'of those without a flood',
            'bad a second',
          ],
          rows,
        },
      ],
      charts: [],
    }
  },
}

function rowsOf(connections: number, outcomes: readonly FloodOutcome[]): string[][] {
  const [alone] = outcomes
  return outcomes.map(({ kind, goodPerSecond, badPerSecond }) => [
    kind === null ? 'none' : TITLES[kind],
    kind === null ? '–' : String(connections),
    goodPerSecond.toFixed(0),
    kind === null ? '–' : (goodPerSecond / (alone?.goodPerSecond ?? Number.NaN)).toFixed(2),
    badPerSecond.toFixed(0),
  ])
}
