/**
 * Server-sent events for the live page: one text a second, made once for all viewers.
 *
 * A viewer that does not take what it was sent gets no further second until it has: it is never
 * owed more than the first event and one second. One that has taken nothing for half a minute is
 * cut off; its page connects anew.
 */
import type { ServerResponse } from 'node:http'
import type { LiveSecond, LiveSource } from './live-sample.ts'

export const VIEWERS_MAX = 16
/** Seconds in a row that a viewer may miss. */
const MISSED_MAX = 30

interface Viewer {
  missed: number
  /** Whether it has not yet taken what it was sent. */
  isBehind: boolean
}

export class EventStream {
  readonly #source: LiveSource
  readonly #viewers = new Map<ServerResponse, Viewer>()
  #endWatching: (() => void) | null = null

  constructor(source: LiveSource) {
    this.#source = source
  }

  get isFull(): boolean {
    return this.#viewers.size >= VIEWERS_MAX
  }

  /** Begins the body of an answer whose head is written. It never ends by itself. */
  open(response: ServerResponse): void {
    const viewer = { missed: 0, isBehind: false }
    this.#viewers.set(response, viewer)
    response.on('drain', () => {
      viewer.isBehind = false
      viewer.missed = 0
    })
    response.once('close', () => this.#leave(response))
    viewer.isBehind = !response.write(eventText('start', this.#source.start()))
    this.#endWatching ??= this.#source.watch((second) => this.#tell(second))
  }

  #tell(second: LiveSecond): void {
    const text = eventText('second', second)
    for (const [response, viewer] of this.#viewers) {
      if (!viewer.isBehind) viewer.isBehind = !response.write(text)
      else if (viewer.missed < MISSED_MAX) viewer.missed += 1
      else response.destroy()
    }
  }

  #leave(response: ServerResponse): void {
    this.#viewers.delete(response)
    if (this.#viewers.size > 0) return
    this.#endWatching?.()
    this.#endWatching = null
  }
}

/** JSON has no line feeds outside of its white space, so that one `data` line holds it all. */
function eventText(name: string, told: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(told)}\n\n`
}
