/** Resident memory and CPU time of another process over time, and whether the memory grows. */
import { readFileSync } from 'node:fs'
import { cpuTimeMicros } from '../cpu-time.ts'

const KIB_PER_MIB = 1_024
const SECONDS_PER_HOUR = 3_600
const RESIDENT = /^VmRSS:\s+(\d+) kB$/m

export interface MemorySample {
  /** Since the first sample. */
  readonly seconds: number
  readonly residentMiB: number
}

export class MemorySamples {
  readonly samples: MemorySample[] = []
  readonly #processId: number
  readonly #beganMs = performance.now()
  readonly #cpuMicrosBefore: number

  /** Takes the first at once. @throws As {@link take} does. */
  constructor(processId: number) {
    this.#processId = processId
    this.#cpuMicrosBefore = cpuTimeMicros(processId)
    this.take()
  }

  /** @throws When the process is gone, or on a system without `/proc`. */
  take(): void {
    const seconds = (performance.now() - this.#beganMs) / 1_000
    this.samples.push({ seconds, residentMiB: residentMiB(this.#processId) })
  }

  /** That was used since the first sample. @throws As {@link take} does. */
  cpuMicros(): number {
    return cpuTimeMicros(this.#processId) - this.#cpuMicrosBefore
  }
}

function residentMiB(processId: number): number {
  const status = readFileSync(`/proc/${processId}/status`, 'latin1')
  return Number(RESIDENT.exec(status)?.[1]) / KIB_PER_MIB
}

/** MiB an hour, of the line that fits best to the second half of the samples; NaN for one alone. */
export function growthAnHour(samples: readonly MemorySample[]): number {
  const half = samples.slice(Math.floor(samples.length / 2))
  const mean = (values: readonly number[]) =>
    values.reduce((sum, one) => sum + one, 0) / half.length
  const meanSeconds = mean(half.map(({ seconds }) => seconds))
  const meanMiB = mean(half.map(({ residentMiB: miB }) => miB))
  const covariance = half.map((one) => (one.seconds - meanSeconds) * (one.residentMiB - meanMiB))
  const variance = half.map(({ seconds }) => (seconds - meanSeconds) ** 2)
  return (mean(covariance) / mean(variance)) * SECONDS_PER_HOUR
}
