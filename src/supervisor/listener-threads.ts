/**
 * Keeps the listener threads running: starts them, restarts one that dies, and carries messages.
 *
 * A thread that dies takes only its own requests with it. Its successor starts at once the first
 * time and later after a growing pause, so that a thread which dies at birth cannot spin.
 *
 * A thread is never ended from outside (`Worker.terminate`): the native server's sockets would
 * still hang on its event loop, and Node aborts the whole process over that. A thread ends by
 * leaving itself, closing its server in an exit hook (listener/listener-thread.ts).
 */

import { Worker } from 'node:worker_threads'
import { withinDeadline } from '../resilience/deadline.ts'
import type { ListenerStart } from '../threads/listener-start.ts'
import type { ListenerMessages, SupervisorMessages } from '../threads/messages.ts'
import { type MessageHandlers, ThreadChannel } from '../threads/thread-channel.ts'

const RESTART_PAUSE_MIN_MS = 100
const RESTART_PAUSE_MAX_MS = 5_000
/** A thread that lived this long had started well: the next death counts as a first one. */
const SETTLED_AFTER_MS = 10_000
/** A thread that has not ended by then never will: its event loop is stuck. */
const END_MS_MAX = 5_000

/** Room for two semi-spaces of 32 MiB and as much for large objects: see the supervisor's flags. */
const YOUNG_GENERATION_MIB_MAX = 96

export interface ListenerThreadsOptions {
  readonly count: number
  /** What the thread of this index starts with. Asked again at each restart, for fresh keys. */
  readonly start: (index: number) => ListenerStart
  readonly handlers: (index: number) => MessageHandlers<SupervisorMessages>
  /** A thread died while it was wanted. `reason`: for operators. */
  readonly onDeath: (index: number, reason: string, isReplaced: boolean) => void
  readonly monotonicMs: () => number
}

type Channel = ThreadChannel<SupervisorMessages, ListenerMessages>

export interface ListenerThreads {
  /** The way to each thread that runs, by index; asked anew each time, because threads end. */
  channels(): readonly Channel[]
  channel(index: number): Channel | null
  /**
   * Has all threads accept no more. From now on one that dies has no successor.
   *
   * @returns Settles when every thread has no connection left or is gone, or after `timeoutMs`.
   */
  drain(timeoutMs: number): Promise<void>
  /**
   * Tells all threads to end for good and waits until they have, or for {@link END_MS_MAX}.
   *
   * @returns Settles with the number of threads that still run.
   */
  end(): Promise<number>
}

interface RunningThread {
  readonly channel: Channel
  /** Settles when it is gone. */
  readonly hasEnded: Promise<void>
}

interface Place {
  thread: RunningThread | null
  startedAtMs: number
  pauseMs: number
}

export function startListenerThreads(options: ListenerThreadsOptions): ListenerThreads {
  const places: Place[] = []
  let isAccepting = true
  let isEnding = false

  function launch(index: number, place: Place): void {
    const worker = new Worker(new URL('../listener/listener-thread.js', import.meta.url), {
      workerData: options.start(index),
      name: `listener-${index}`,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB_MAX },
    })
    const channel: Channel = new ThreadChannel(worker, options.handlers(index))
    // Not `events.once`: that rejects when the thread fails on its way out.
    const hasEnded = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
    place.thread = { channel, hasEnded }
    place.startedAtMs = options.monotonicMs()
    let reason = ''
    // An error is followed by exit, which is where the restart happens.
    worker.on('error', (error) => {
      reason = error instanceof Error ? error.message : String(error)
    })
    worker.on('exit', (exitCode) => {
      place.thread = null
      if (isEnding) return
      options.onDeath(index, reason || `exit code ${exitCode}`, isAccepting)
      if (isAccepting) relaunch(index, place)
    })
  }

  function relaunch(index: number, place: Place): void {
    const hadSettled = options.monotonicMs() - place.startedAtMs >= SETTLED_AFTER_MS
    const pauseMs = hadSettled ? 0 : place.pauseMs
    place.pauseMs = hadSettled
      ? RESTART_PAUSE_MIN_MS
      : Math.min(Math.max(place.pauseMs * 2, RESTART_PAUSE_MIN_MS), RESTART_PAUSE_MAX_MS)
    setTimeout(() => {
      if (isAccepting) launch(index, place)
    }, pauseMs)
  }

  for (let index = 0; index < options.count; index += 1) {
    const place: Place = { thread: null, startedAtMs: 0, pauseMs: 0 }
    places.push(place)
    launch(index, place)
  }

  const running = () => places.flatMap(({ thread }) => (thread === null ? [] : [thread]))
  return {
    channels: () => running().map(({ channel }) => channel),
    channel: (index) => places[index]?.thread?.channel ?? null,
    async drain(timeoutMs) {
      isAccepting = false
      await Promise.all(running().map(({ channel }) => channel.ask('drain', null, timeoutMs)))
    },
    async end() {
      isAccepting = false
      isEnding = true
      const ends = running().map(({ channel, hasEnded }) => {
        channel.notify('end', null)
        return hasEnded
      })
      await withinDeadline<unknown>(Promise.all(ends), END_MS_MAX, null)
      return running().length
    },
  }
}
