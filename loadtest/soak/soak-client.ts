/**
 * The client of a soak, a process of its own: requests of all kinds at a fixed rate of arrival,
 * whether or not earlier ones are answered, with credentials that come while it runs.
 *
 * A request that finds no free connection waits for one, and its time counts from when it was due.
 */
import { build, type Histogram } from 'hdr-histogram-js'
import { END_OF_HEAD, RawConnection } from '../raw-connection.ts'
import { CONNECTIONS, CREDENTIAL_PLACES, type CredentialKind } from '../scenario.ts'
import { GOOD, type Phase, type RequestKind } from './phases.ts'
import type { SoakOrder, SoakReport } from './soak-messages.ts'

const TICK_MS = 1
const REPORT_MS = 1_000
const CONNECTIONS_MAX = 256
/** More than that, and the gateway serves nothing any more. */
const WAITING_MAX = 100_000
/** Half of what the gateway leaves them: none is used in the moment in which it is closed. */
const IDLE_MS_MAX = 5_000
const MICROS_PER_MS = 1_000
/** Whatever has no answer so long after the last request is lost. */
const LAST_ANSWER_MS_MAX = 10_000
const IN_ROTATION_MAX: Readonly<Record<CredentialKind, number>> = {
  jwt: 1_000,
  opaque: 100,
  session: 1_000,
}
/** Of ten requests. */
const MIX: readonly CredentialKind[] = [
  'jwt',
  'jwt',
  'opaque',
  'jwt',
  'jwt',
  'jwt',
  'jwt',
  'session',
  'jwt',
  'jwt',
]

interface Credential {
  readonly kind: CredentialKind
  readonly request: Buffer
  wasGood: boolean
}

/** Those that were never sent come first; then all in turn, the newest for the oldest. */
class Rotation {
  readonly #max: number
  readonly #unsent: Credential[] = []
  readonly #all: Credential[] = []
  #oldest = 0
  #turn = 0

  constructor(max: number) {
    this.#max = max
  }

  add(credential: Credential): void {
    this.#unsent.push(credential)
  }

  next(): Credential {
    const unsent = this.#unsent.shift()
    if (unsent === undefined) {
      const credential = this.#all[this.#turn++ % this.#all.length]
      if (credential === undefined) throw new Error('There is no credential to send.')
      return credential
    }
    if (this.#all.length < this.#max) this.#all.push(unsent)
    else this.#all[this.#oldest++ % this.#max] = unsent
    return unsent
  }
}

interface Sent {
  readonly credential: Credential
  readonly kind: RequestKind
  readonly dueMs: number
}

/** What is known of one phase over all of its occurrences. */
interface PhaseTimes {
  readonly micros: Histogram
  clientPauseMs: number
}

class SoakClient {
  readonly #port: number
  readonly #ticks: NodeJS.Timeout
  readonly #rotations: Readonly<Record<CredentialKind, Rotation>> = {
    jwt: new Rotation(IN_ROTATION_MAX.jwt),
    opaque: new Rotation(IN_ROTATION_MAX.opaque),
    session: new Rotation(IN_ROTATION_MAX.session),
  }
  readonly #sent = new Map<RawConnection, Sent>()
  /** Those used last are at the end. */
  readonly #free: RawConnection[] = []
  /** When each request that waits for a connection was due. */
  readonly #waiting: number[] = []
  readonly #times = new Map<Phase, PhaseTimes>()
  #phase: Phase = 'warm-up'
  #rate: number | null = 0
  #rateSinceMs = performance.now()
  #due = 0
  #requests = 0
  #tickedAtMs = performance.now()
  #reportedAtMs = performance.now()
  #endsAtMs = Number.POSITIVE_INFINITY
  /** Answers since the last report, by kind and status. */
  #answers = new Map<string, { readonly kind: RequestKind; status: string; count: number }>()

  constructor(port: number) {
    this.#port = port
    this.#ticks = setInterval(() => this.#tick(), TICK_MS)
  }

  obey(order: SoakOrder): void {
    if (order.type === 'credentials') {
      for (const text of order.texts) {
        this.#rotations[order.kind].add(credentialOf(order.kind, text))
      }
    } else if (order.type === 'rate') {
      this.#rate = order.rate
      this.#rateSinceMs = performance.now()
      this.#due = 0
      if (order.rate === null) this.#fill()
    } else if (order.type === 'phase') {
      this.#report(true)
      this.#phase = order.phase
    } else {
      this.#rate = 0
      this.#endsAtMs = performance.now() + LAST_ANSWER_MS_MAX
    }
  }

  answered(connection: RawConnection, status: string): void {
    const sent = this.#sent.get(connection)
    if (sent === undefined) return
    this.#sent.delete(connection)
    if (status === GOOD) sent.credential.wasGood = true
    this.#count(sent.kind, status)
    const durationMs = performance.now() - sent.dueMs
    this.#timesOf(this.#phase).micros.recordValue(Math.round(durationMs * MICROS_PER_MS))
    if (!connection.isEnding) this.#free.push(connection)
    this.#goOn()
  }

  lose(connection: RawConnection): void {
    const index = this.#free.indexOf(connection)
    if (index !== -1) this.#free.splice(index, 1)
    const sent = this.#sent.get(connection)
    if (sent === undefined) return
    this.#sent.delete(connection)
    this.#count(sent.kind, 'lost')
    this.#goOn()
  }

  #tick(): void {
    const nowMs = performance.now()
    const times = this.#timesOf(this.#phase)
    times.clientPauseMs = Math.max(times.clientPauseMs, nowMs - this.#tickedAtMs)
    this.#tickedAtMs = nowMs
    const rate = this.#rate
    if (rate !== null) {
      const due = Math.floor(((nowMs - this.#rateSinceMs) / 1_000) * rate)
      for (; this.#due < due; this.#due += 1) {
        this.#send(this.#rateSinceMs + ((this.#due + 1) / rate) * 1_000)
      }
    }
    for (let oldest = this.#free[0]; oldest !== undefined; oldest = this.#free[0]) {
      if (nowMs - oldest.sentAtMs < IDLE_MS_MAX) break
      this.#free.shift()
      oldest.end()
    }
    const isOver = this.#endsAtMs !== Number.POSITIVE_INFINITY && this.#sent.size === 0
    if (isOver || nowMs >= this.#endsAtMs) this.#end()
    else if (nowMs - this.#reportedAtMs >= REPORT_MS) this.#report(false)
  }

  #end(): void {
    clearInterval(this.#ticks)
    for (const { kind } of this.#sent.values()) this.#count(kind, 'lost')
    this.#report(false, () => process.exit())
  }

  /** What waits is sent; without a rate, there is always one more. */
  #goOn(): void {
    const dueMs = this.#waiting.shift()
    if (dueMs !== undefined) this.#send(dueMs)
    else if (this.#rate === null) this.#fill()
  }

  #fill(): void {
    while (this.#sent.size < CONNECTIONS) this.#send(performance.now())
  }

  #send(dueMs: number): void {
    if (this.#free.length === 0 && this.#sent.size >= CONNECTIONS_MAX) {
      if (this.#waiting.length >= WAITING_MAX) throw new Error('The gateway does not answer.')
      this.#waiting.push(dueMs)
      return
    }
    const place = MIX[this.#requests++ % MIX.length] ?? 'jwt'
    const credential = this.#rotations[place].next()
    const kind = place === 'opaque' && !credential.wasGood ? 'newOpaque' : place
    const free = this.#free.pop()
    free?.send(credential.request)
    const connection = free ?? new RawConnection(this, this.#port, credential.request)
    this.#sent.set(connection, { credential, kind, dueMs })
  }

  #count(kind: RequestKind, status: string): void {
    const known = this.#answers.get(`${kind} ${status}`)
    if (known === undefined) this.#answers.set(`${kind} ${status}`, { kind, status, count: 1 })
    else known.count += 1
  }

  #timesOf(phase: Phase): PhaseTimes {
    const known = this.#times.get(phase)
    if (known !== undefined) return known
    const options = { highestTrackableValue: 600_000_000, numberOfSignificantValueDigits: 3 }
    const made = { micros: build(options as Parameters<typeof build>[0]), clientPauseMs: 0 }
    this.#times.set(phase, made)
    return made
  }

  #report(isNewPhase: boolean, onSent: () => void = () => {}): void {
    const phase = this.#phase
    const nowMs = performance.now()
    const { micros, clientPauseMs } = this.#timesOf(phase)
    const report: SoakReport = {
      phase,
      seconds: (nowMs - this.#reportedAtMs) / 1_000,
      answers: [...this.#answers.values()].map((answer) => ({ phase, ...answer })),
      latency: {
        p50Ms: micros.getValueAtPercentile(50) / MICROS_PER_MS,
        p99Ms: micros.getValueAtPercentile(99) / MICROS_PER_MS,
        worstMs: micros.maxValue / MICROS_PER_MS,
        clientPauseMs,
      },
      waiting: this.#waiting.length,
      isNewPhase,
    }
    this.#answers = new Map()
    this.#reportedAtMs = nowMs
    process.send?.(report, onSent)
  }
}

function credentialOf(kind: CredentialKind, text: string): Credential {
  const { field, prefix } = CREDENTIAL_PLACES[kind]
  const lines = [`GET /${kind}/items HTTP/1.1`, 'host: soak', `${field}: ${prefix}${text}`]
  const request = Buffer.from(lines.join('\r\n') + END_OF_HEAD, 'latin1')
  return { kind, request, wasGood: false }
}

const client = new SoakClient(Number(process.argv[2]))
process.on('message', (order: SoakOrder) => client.obey(order))
// Also when the soak itself has ended without a word.
process.on('disconnect', () => process.exit())
