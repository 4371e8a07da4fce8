/**
 * What can be told of the replies that are being received on one connection of the client library,
 * which itself tells of none before its last byte is there.
 */

/** Commands of which each reads one record; the key comes first. */
const LOOK_UPS: ReadonlySet<string> = new Set(['get', 'getex'])

/** A connection of the client library. */
interface Connection {
  readonly stream: {
    on(event: 'data', listener: (chunk: Uint8Array) => void): unknown
    once(event: 'close', listener: () => void): unknown
    destroy(): unknown
    readonly bytesRead: number
  }
  /** Without a whole reply yet, oldest first. */
  readonly commandQueue: {
    readonly length: number
    peekFront(): { readonly command: Named } | undefined
  }
}

interface Named {
  readonly name: string
  readonly args: readonly unknown[]
}

/**
 * Hot path: runs for each chunk. Tells the key of a look-up whose reply has more bytes than a
 * record may have, as soon as so many have been received.
 *
 *     chunk │ …reply 1│reply 2 …│ …reply 2 … │ …reply 2 …│
 *           │    front: 2       │  front: 2  │  front: 2 │   counted: what is after the first one
 *
 * The library has read a chunk before this sees it, so whatever came while one command was the
 * first of the queue, before and after, belongs to its reply.
 */
export function watchReplySize(
  { stream, commandQueue }: Connection,
  recordBytesMax: number,
  onOversized: (key: string) => void,
): void {
  let front: Named | null = null
  let receivedBytes = 0
  stream.on('data', (chunk) => {
    const first = commandQueue.peekFront()?.command ?? null
    if (first === null || first !== front) {
      front = first
      receivedBytes = 0
      return
    }
    receivedBytes += chunk.byteLength
    if (receivedBytes <= recordBytesMax || !LOOK_UPS.has(first.name)) return
    front = null
    onOversized(String(first.args[0]))
  })
}

/**
 * Cuts the connection when nothing was received for `times` intervals in a row in which something
 * was waited for. Counts intervals, so that a pause of this process is one of them.
 */
export function watchSilence(connection: Connection, intervalMs: number, times: number): void {
  const { stream, commandQueue } = connection
  let bytesBefore = stream.bytesRead
  let silentCount = 0
  const timer = setInterval(() => {
    const { bytesRead } = stream
    silentCount = commandQueue.length > 0 && bytesRead === bytesBefore ? silentCount + 1 : 0
    bytesBefore = bytesRead
    if (silentCount > times) stream.destroy()
  }, intervalMs)
  timer.unref()
  stream.once('close', () => clearInterval(timer))
}
