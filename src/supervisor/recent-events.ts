/**
 * The last lines of the log but for the access log, for the live page: taken from the log on its
 * way to the standard output, so that they are as redacted as there.
 */
import type { LiveEvent } from '../admin/live-sample.ts'
import type { LineSource } from '../observability/line-writer.ts'
import { parseJsonText } from '../protocol/strict-json.ts'

const EVENTS_MAX = 200
/** No line of these streams comes near; one that did would be of no use on a page. */
const LINE_BYTES_MAX = 4_096
const LINE_FEED = 0x0a
/** Within a text of a line its quotes would be escaped, so that this is found in its place only. */
const MARKS = ['security', 'operations'].map((stream) => Buffer.from(`"stream":"${stream}"`))

export class RecentEvents {
  /** The oldest first. */
  #events: LiveEvent[] = []
  #lastId = 0

  /** @returns The same source, whose lines are seen when they are taken. */
  watch(source: LineSource): LineSource {
    return {
      take: (target) => {
        const takenBytes = source.take(target)
        if (takenBytes > 0) this.#look(target.subarray(0, takenBytes))
        return takenBytes
      },
    }
  }

  /** With a greater `id` than this one, the oldest first. 0: all that are kept, at most 200. */
  since(id: number): readonly LiveEvent[] {
    return this.#events.filter((event) => event.id > id)
  }

  #look(lines: Buffer): void {
    // In the order of the log, whatever their streams.
    const starts = new Set(MARKS.flatMap((mark) => lineStarts(lines, mark)))
    for (const start of [...starts].sort((one, other) => one - other)) {
      const end = lines.indexOf(LINE_FEED, start)
      if (end === -1 || end - start > LINE_BYTES_MAX) continue
      this.#keep(lines.toString('utf8', start, end))
    }
  }

  #keep(line: string): void {
    const { time, level, stream, event, ...fields } = parseJsonText(line) ?? {}
    if (![time, level, stream, event].every((member) => typeof member === 'string')) return
    this.#lastId += 1
    const id = this.#lastId
    this.#events.push({
      id,
      time: String(time),
      level: String(level),
      stream: String(stream),
      event: String(event),
      fields,
    })
    if (this.#events.length > EVENTS_MAX) this.#events = this.#events.slice(-EVENTS_MAX)
  }
}

/** Where lines begin that hold `mark`. */
function lineStarts(lines: Buffer, mark: Buffer): number[] {
  const starts: number[] = []
  for (let at = lines.indexOf(mark); at !== -1; at = lines.indexOf(mark, at + mark.length)) {
    starts.push(lines.lastIndexOf(LINE_FEED, at) + 1)
  }
  return starts
}
