/** What the performance report asks of each measurement. */
import type { Figures } from '../figures/figures.ts'

/** How much is measured: figures that are to be quoted need many rounds. */
export interface Effort {
  readonly rounds: number
  /** Of one program in one round. */
  readonly turnSeconds: number
  /** How long the gateway is watched while things around it fail. */
  readonly soakMinutes: number
}

export interface Measurement {
  /** Of the part of docs/performance.md that shows it. */
  readonly name: string
  /** For the progress line: what is measured. */
  readonly title: string
  /** @throws When nothing could be measured; programs that it started are ended first. */
  measure(effort: Effort): Promise<Figures>
}
