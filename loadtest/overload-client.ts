/**
 * Requests at a fixed rate of arrival, whether or not earlier ones are answered, in a process of
 * its own: each goes out at its time on a connection that is free, or on a new one, or, where all
 * that there may be are in use, not at all.
 *
 * Raw sockets, because a client that costs more than the gateway would measure itself.
 */
import { readFileSync } from 'node:fs'
import { build } from 'hdr-histogram-js'
import { cpuTimeMicros } from './cpu-time.ts'
import { type OverloadJob, type OverloadResult, RAMP_SECONDS } from './overload-job.ts'
import { END_OF_HEAD, RawConnection } from './raw-connection.ts'
import { PROXIED } from './scenario.ts'

const TICK_MS = 1
const MICROS_PER_MS = 1_000

class OverloadClient {
  readonly #job: OverloadJob
  readonly #requests: readonly Buffer[]
  readonly #all = new Set<RawConnection>()
  readonly #free: RawConnection[] = []
  readonly #answers: Record<string, number> = {}
  #isCounting = false
  #countedSinceMs = 0
  #cpuMicrosBefore = 0
  readonly #micros = build({ highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 3 })
  #sent = 0
  #due = 0
  #unsent = 0
  #lost = 0
  #refusalMsMax = 0
  #isOver = false

  constructor(job: OverloadJob) {
    this.#job = job
    const all = readFileSync(job.tokensFile, 'latin1').split('\n').filter(Boolean)
    const tokens = all.slice(job.firstToken, job.firstToken + job.tokens)
    if (tokens.length < job.tokens) throw new Error('There are fewer tokens than the job needs.')
    this.#requests = tokens.map((token) => {
      const lines = [
        `GET ${PROXIED.path} HTTP/1.1`,
        'host: overload',
        `authorization: Bearer ${token}`,
      ]
      return Buffer.from(lines.join('\r\n') + END_OF_HEAD, 'latin1')
    })
  }

  run(): Promise<OverloadResult> {
    const startMs = performance.now()
    const { rate, connections, durationSeconds } = this.#job
    if (rate === null) for (let index = 0; index < connections; index += 1) this.#send()
    return new Promise((resolve) => {
      const timer = setInterval(() => {
        const passedSeconds = (performance.now() - startMs) / 1_000
        if (rate !== null) this.#catchUp(Math.floor(passedSeconds * rate))
        if (!this.#isCounting && passedSeconds >= RAMP_SECONDS) this.#beginToCount()
        if (passedSeconds < RAMP_SECONDS + durationSeconds) return
        clearInterval(timer)
        this.#isOver = true
        resolve(this.#result())
        for (const connection of this.#all) connection.end()
      }, TICK_MS)
    })
  }

  answered(connection: RawConnection, status: string, durationMs: number): void {
    if (this.#isOver) return
    if (this.#isCounting) this.#count(status, durationMs)
    if (this.#job.rate === null) connection.send(this.#next())
    else this.#free.push(connection)
  }

  lose(connection: RawConnection, wasUsed: boolean): void {
    this.#all.delete(connection)
    const index = this.#free.indexOf(connection)
    if (index !== -1) this.#free.splice(index, 1)
    if (wasUsed && this.#isCounting && !this.#isOver) this.#lost += 1
    if (this.#job.rate === null && !this.#isOver) this.#send()
  }

  #beginToCount(): void {
    this.#isCounting = true
    this.#countedSinceMs = performance.now()
    this.#cpuMicrosBefore = cpuTimeMicros(this.#job.processId)
  }

  #count(status: string, durationMs: number): void {
    this.#answers[status] = (this.#answers[status] ?? 0) + 1
    if (status === '200') this.#micros.recordValue(Math.round(durationMs * MICROS_PER_MS))
    else this.#refusalMsMax = Math.max(this.#refusalMsMax, durationMs)
  }

  #catchUp(due: number): void {
    for (; this.#due < due; this.#due += 1) this.#send()
  }

  #send(): void {
    const free = this.#free.pop()
    if (free !== undefined) free.send(this.#next())
    else if (this.#all.size < this.#job.connections) {
      this.#all.add(new RawConnection(this, this.#job.port, this.#next()))
    } else if (this.#isCounting) this.#unsent += 1
  }

  #next(): Buffer {
    if (this.#sent >= this.#requests.length && !this.#job.repeatsTokens) {
      throw new Error('There are too few new tokens: run is void.')
    }
    const request = this.#requests[this.#sent % this.#requests.length] as Buffer
    this.#sent += 1
    return request
  }

  #result(): OverloadResult {
    return {
      answers: this.#answers,
      unsent: this.#unsent,
      lost: this.#lost,
      open: this.#all.size - this.#free.length,
      durationSeconds: (performance.now() - this.#countedSinceMs) / 1_000,
      cpuMicros: cpuTimeMicros(this.#job.processId) - this.#cpuMicrosBefore,
      p50Ms: this.#micros.getValueAtPercentile(50) / MICROS_PER_MS,
      p99Ms: this.#micros.getValueAtPercentile(99) / MICROS_PER_MS,
      refusalMsMax: this.#refusalMsMax,
    }
  }
}

const job = JSON.parse(process.argv[2] ?? '') as OverloadJob
process.stdout.write(`${JSON.stringify(await new OverloadClient(job).run())}\n`)
process.exit()
