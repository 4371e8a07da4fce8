/** Whether memory stays flat, and what is refused, while things around the gateway fail. */
import type { Chart, Table } from '../figures/figures.ts'
import { GATEWAY_PROGRAM } from '../peers/gateway.ts'
import { growthAnHour } from '../soak/memory-samples.ts'
import { type AnswerCount, describeCounts, GOOD, timetable } from '../soak/phases.ts'
import { assertExplained, LOAD_SHARE, runSoak, type SoakOutcome } from '../soak/soak.ts'
import type { Measurement } from './measurement.ts'

/** The client needs the rest of the processor on a small machine. */
const CPU_SHARE = 0.4
const WARM_UP_SECONDS = 5
/** In less, what a collection frees is more than what could grow. */
const GROWTH_SECONDS_MIN = 600
/** More would cover each other. */
const CHART_POINTS_MAX = 24

function phaseTable({ phases }: SoakOutcome): Table {
  return {
    columns: [
      'what happens',
      'seconds',
      'requests',
      'good answers',
      'refused',
      'lost',
      'p50, ms',
      'p99, ms',
      'worst, ms',
      'longest pause of the client, ms',
    ],
    rows: phases.map(({ phase, seconds, answers, latency }) => {
      const counts = [...answers.values()]
      const refused = counts.filter(({ status }) => status !== GOOD && status !== 'lost')
      return [
        phase,
        seconds.toFixed(0),
        String(sum(counts)),
        String(sum(counts.filter(({ status }) => status === GOOD))),
        refused.length === 0 ? '0' : refused.map(describeRefusal).join(', '),
        String(sum(counts.filter(({ status }) => status === 'lost'))),
        latency.p50Ms.toFixed(1),
        latency.p99Ms.toFixed(1),
        latency.worstMs.toFixed(0),
        latency.clientPauseMs.toFixed(0),
      ]
    }),
  }
}

function describeRefusal({ kind, status, count }: AnswerCount): string {
  return `${count} × ${status} (${kind})`
}

function sum(counts: readonly AnswerCount[]): number {
  return counts.reduce((total, { count }) => total + count, 0)
}

function memoryTable({ memory, phases, cpuMicros }: SoakOutcome): Table {
  const secondsWatched = memory.at(-1)?.seconds ?? 0
  const resident = memory.map(({ residentMiB }) => residentMiB)
  const requests = sum(phases.flatMap(({ answers }) => [...answers.values()]))
  return {
    columns: [
      'resident memory after',
      'at the start, MiB',
      'at the end, MiB',
      'highest, MiB',
      'growth in the second half, MiB an hour',
      'CPU a request, µs',
    ],
    rows: [
      [
        `${(secondsWatched / 60).toFixed(1)} minutes`,
        (resident[0] ?? Number.NaN).toFixed(0),
        (resident.at(-1) ?? Number.NaN).toFixed(0),
        Math.max(...resident).toFixed(0),
        secondsWatched < GROWTH_SECONDS_MIN ? 'too short' : growthAnHour(memory).toFixed(1),
        (cpuMicros / requests).toFixed(1),
      ],
    ],
  }
}

function memoryChart({ memory }: SoakOutcome): Chart {
  const step = Math.ceil(memory.length / CHART_POINTS_MAX)
  const points = memory.filter((_, index) => index % step === 0)
  return {
    name: 'soak-memory',
    title: 'Resident memory, MiB',
    shape: 'lines',
    categoriesName: 'minutes',
    categories: points.map(({ seconds }) => (seconds / 60).toFixed(1)),
    series: [
      { name: 'Sallyport', values: points.map(({ residentMiB }) => Math.round(residentMiB)) },
    ],
  }
}

export const soak: Measurement = {
  name: 'soak',
  title: 'a long time with outages, rotations and reloads',
  async measure({ soakMinutes }) {
    const outcome = await runSoak({
      program: GATEWAY_PROGRAM,
      stages: timetable(soakMinutes),
      rate: null,
      cpuShare: CPU_SHARE,
      warmUpSeconds: WARM_UP_SECONDS,
      onUnexplained: (seconds, counts) => {
        process.stderr.write(`  second ${seconds.toFixed(0)}: ${describeCounts(counts)}\n`)
      },
    })
    const tables = [phaseTable(outcome), memoryTable(outcome)]
    try {
      assertExplained(outcome)
    } catch (error) {
      // The cause is looked for with what else was measured.
      process.stderr.write(`${JSON.stringify(tables, null, 2)}\n`)
      throw error
    }
    process.stderr.write('  0 answers are not explained\n')
    const { rate, peak, quotaRefused } = outcome
    const share = quotaRefused === null ? `${CPU_SHARE} of a processor` : 'all processors'
    return {
      method:
        `${Math.round(rate)} requests a second, ${LOAD_SHARE} of the ${Math.round(peak ?? rate)} ` +
        `that the gateway serves with ${share}: 80 % JWTs, 10 % opaque tokens, 10 % sessions. ` +
        'Times count from when a request was due; no answer was unexplained',
      programs: [],
      skipped: quotaRefused === null ? [] : [`quota: ${quotaRefused}, skipped`],
      tables,
      charts: [memoryChart(outcome)],
    }
  },
}
