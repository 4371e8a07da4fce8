/**
 * Loaded into every thread of a gateway under test (`--import`): lets one of them fail by itself,
 * in ways that no user can ask for. The gateway knows nothing of it.
 *
 * Faults are ordered over a channel that all threads hear, or by SIGUSR2, which orders the fault
 * that the environment names.
 */
import { BroadcastChannel, isMainThread, workerData } from 'node:worker_threads'

export interface Fault {
  /** Index of a listener thread; `null`: the supervisor. */
  readonly thread: number | null
  /** `block`: its event loop never turns again; `pause`: not for {@link PAUSE_MS}. */
  readonly kind: 'throw' | 'reject' | 'block' | 'pause'
}

export const FAULT_CHANNEL = 'test-thread-faults'
const PAUSE_MS = 1_500
/** A fault as JSON. */
export const FAULT_VARIABLE = 'TEST_FAULT'
/** What Node is told to have these faults. */
export const FAULT_FLAGS: readonly string[] = ['--import', import.meta.url]

/** A host, or a body to explain: what reads it in a listener thread throws. */
export const FAULTY_TEXT = 'planned-fault.test'

const channel = new BroadcastChannel(FAULT_CHANNEL)
channel.onmessage = (message: unknown) => {
  const { data } = message as { readonly data: Fault }
  if (data.thread === listenerIndex()) fail(data)
}
channel.unref()

const planned = process.env[FAULT_VARIABLE]
if (isMainThread && planned !== undefined) {
  const fault = JSON.parse(planned) as Fault
  process.on('SIGUSR2', () => {
    if (fault.thread === null) fail(fault)
    else channel.postMessage(fault)
  })
}

if (typeof listenerIndex() === 'number') failOverText()

function failOverText(): void {
  const { URL: Url } = globalThis
  globalThis.URL = class extends Url {
    constructor(text: string | URL, base?: string | URL) {
      super(text, base)
      if (this.hostname === FAULTY_TEXT) throw new Error('a planned fault')
    }
  }
  const byteLength = Buffer.byteLength.bind(Buffer)
  Buffer.byteLength = (value, encoding) => {
    if (value === FAULTY_TEXT) throw new Error('a planned fault')
    return byteLength(value, encoding)
  }
}

/** `null` in the supervisor; `undefined` in a thread of another kind. */
function listenerIndex(): number | null | undefined {
  if (isMainThread) return null
  const start = workerData as { readonly index?: number; readonly main?: unknown } | null
  return start?.main === undefined ? undefined : start.index
}

/** Where nothing of the gateway is on the stack. */
function fail({ kind }: Fault): void {
  setImmediate(() => {
    if (kind === 'throw') throw new Error('a planned fault')
    if (kind === 'reject') void Promise.reject(new Error('a planned fault'))
    const endsAtMs = performance.now() + PAUSE_MS
    while (kind === 'block' || (kind === 'pause' && performance.now() < endsAtMs));
  })
}
