/** Starts the client of a soak, hands it orders, and adds up what it reports. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { CredentialKind } from '../scenario.ts'
import { type AnswerCount, GOOD, type Phase, type RequestKind } from './phases.ts'
import type { PhaseLatency, SoakOrder, SoakReport } from './soak-messages.ts'

const PROGRAM = fileURLToPath(new URL('./soak-client.js', import.meta.url))
/** In which it answers an order, however busy the machine is. */
const ANSWER_MS_MAX = 30_000

/** What was answered in all occurrences of a phase. */
export interface PhaseTotals {
  seconds: number
  readonly answers: Map<string, AnswerCount>
  latency: PhaseLatency
}

export class SoakClientProcess {
  readonly totals = new Map<Phase, PhaseTotals>()
  readonly #child: ChildProcess
  readonly #onReport: (report: SoakReport) => void

  /** @param onReport Called each second. */
  constructor(port: number, onReport: (report: SoakReport) => void) {
    this.#onReport = onReport
    this.#child = fork(PROGRAM, [String(port)])
    this.#child.on('message', (report: SoakReport) => this.#add(report))
  }

  send(kind: CredentialKind, texts: string[]): void {
    this.#tell({ type: 'credentials', kind, texts })
  }

  setRate(rate: number | null): void {
    this.#tell({ type: 'rate', rate })
  }

  /** Settles when answers are counted under this phase. @throws When the client has ended. */
  async begin(phase: Phase): Promise<void> {
    const begun = this.#nextPhase()
    this.#tell({ type: 'phase', phase })
    await begun
  }

  /** Settles when it has ended, with the last of its reports. */
  async finish(): Promise<void> {
    // After its last message, which its end may overtake.
    const ended = once(this.#child, 'disconnect', { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
    this.#tell({ type: 'end' })
    await ended
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** Good answers of a phase so far. */
  good(phase: Phase): number {
    return [...(this.totals.get(phase)?.answers.values() ?? [])]
      .filter(({ status }) => status === GOOD)
      .reduce((sum, { count }) => sum + count, 0)
  }

  #tell(order: SoakOrder): void {
    if (!this.#child.connected) throw new Error('The client of the soak has ended.')
    this.#child.send(order)
  }

  #nextPhase(): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (error: Error | null): void => {
        clearTimeout(patience)
        this.#child.off('message', onMessage)
        this.#child.off('exit', onExit)
        if (error === null) resolve()
        else reject(error)
      }
      const onMessage = (report: SoakReport): void => {
        if (report.isNewPhase) end(null)
      }
      const onExit = (): void => end(new Error('The client of the soak has ended.'))
      const onSilence = (): void => end(new Error('The client of the soak does not answer.'))
      const patience = setTimeout(onSilence, ANSWER_MS_MAX)
      this.#child.on('message', onMessage)
      this.#child.on('exit', onExit)
    })
  }

  #add(report: SoakReport): void {
    const { phase, seconds, answers, latency } = report
    const totals = this.totals.get(phase) ?? { seconds: 0, answers: new Map(), latency }
    this.totals.set(phase, totals)
    totals.seconds += seconds
    totals.latency = latency
    for (const answer of answers) {
      const key: `${RequestKind} ${string}` = `${answer.kind} ${answer.status}`
      const count = (totals.answers.get(key)?.count ?? 0) + answer.count
      totals.answers.set(key, { ...answer, count })
    }
    this.#onReport(report)
  }
}
