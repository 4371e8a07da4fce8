/**
 * Keeps the listener threads running: starts them, restarts one that dies, and carries messages.
 *
 * A thread that dies takes only its own requests with it. Its successor starts at once the first
 * time and later after a growing pause, so that a thread which dies at birth cannot spin.
 *
 * A thread is never ended from outside (`Worker.terminate`): the native server's sockets would
 * still hang on its event loop, and Node aborts the whole process over that. A thread ends by
 * leaving itself, closing its server in an exit hook (bootstrap/listener-thread.ts).
 */
import { Worker } from 'node:worker_threads'
import type { FromListener, ListenerStart, ToListener } from './thread-messages.ts'

const RESTART_PAUSE_MIN_MS = 100
const RESTART_PAUSE_MAX_MS = 5_000
/** A thread that lived this long had started well: the next death counts as a first one. */
const SETTLED_AFTER_MS = 10_000

/** Room for two semi-spaces of 32 MiB and as much for large objects: see the supervisor's flags. */
const YOUNG_GENERATION_MIB_MAX = 96

export interface ListenerThreadsOptions {
  readonly count: number
  /** What the thread of this index starts with. Asked again at each restart, for fresh keys. */
  readonly start: (index: number) => ListenerStart
  readonly onMessage: (index: number, message: FromListener) => void
  /** A thread died while it was wanted; its successor is on the way. `reason`: for operators. */
  readonly onDeath: (index: number, reason: string) => void
  readonly monotonicMs: () => number
}

export interface ListenerThreads {
  /** Posts to every thread that runs. */
  broadcast(message: ToListener): void
  post(index: number, message: ToListener): void
  /** Number of threads that run now. */
  running(): number
  /** Tells all threads to end for good and waits until they have. */
  end(): Promise<void>
  /** Makes one thread throw where nothing catches: for tests of exactly that. */
  crash(index: number): void
}

interface Place {
  worker: Worker | null
  startedAtMs: number
  pauseMs: number
}

export function startListenerThreads(options: ListenerThreadsOptions): ListenerThreads {
  const places: Place[] = []
  let isEnding = false

  function launch(index: number, place: Place): void {
    const worker = new Worker(new URL('./listener-thread.js', import.meta.url), {
      workerData: options.start(index),
      name: `listener-${index}`,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB_MAX },
    })
    place.worker = worker
    place.startedAtMs = options.monotonicMs()
    worker.on('message', (message: FromListener) => options.onMessage(index, message))
    let reason = ''
    // An error is followed by exit, which is where the restart happens.
    worker.on('error', (error) => {
      reason = error instanceof Error ? error.message : String(error)
    })
    worker.on('exit', (exitCode) => {
      place.worker = null
      if (isEnding) return
      options.onDeath(index, reason || `exit code ${exitCode}`)
      relaunch(index, place)
    })
  }

  function relaunch(index: number, place: Place): void {
    const hadSettled = options.monotonicMs() - place.startedAtMs >= SETTLED_AFTER_MS
    const pauseMs = hadSettled ? 0 : place.pauseMs
    place.pauseMs = hadSettled
      ? RESTART_PAUSE_MIN_MS
      : Math.min(Math.max(place.pauseMs * 2, RESTART_PAUSE_MIN_MS), RESTART_PAUSE_MAX_MS)
    setTimeout(() => {
      if (!isEnding) launch(index, place)
    }, pauseMs)
  }

  for (let index = 0; index < options.count; index += 1) {
    const place: Place = { worker: null, startedAtMs: 0, pauseMs: 0 }
    places.push(place)
    launch(index, place)
  }

  return {
    broadcast(message) {
      for (const place of places) place.worker?.postMessage(message)
    },
    post(index, message) {
      places[index]?.worker?.postMessage(message)
    },
    running: () => places.filter((place) => place.worker !== null).length,
    async end() {
      isEnding = true
      await Promise.all(
        places.map(async ({ worker }) => {
          if (worker === null) return
          // Not `events.once`: that rejects when the thread fails on its way out.
          const hasEnded = new Promise((resolve) => worker.once('exit', resolve))
          worker.postMessage({ type: 'end' } satisfies ToListener)
          await hasEnded
        }),
      )
    },
    crash(index) {
      places[index]?.worker?.postMessage({ type: 'crash' } satisfies ToListener)
    },
  }
}
