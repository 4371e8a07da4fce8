/**
 * Sends bytes in pieces, many connections at a time, and makes sure that the gateway has read
 * each piece by itself before the next one is sent.
 *
 *     connect all │ fence │ first piece of all │ fence │ second piece of all │ fence │ …
 *
 * A fence is a request on a connection of its own, answered by the gateway itself. With one
 * listener thread its answer shows that everything sent before it has been read: the kernel hands
 * sockets to the thread in the order in which they got something to read.
 */
import { openRaw, type RawAnswer, type RawConnection } from './raw-http.ts'

/** One way to send a request. */
export interface Delivery {
  readonly bytes: string
  /** Places at which it is cut into pieces, ascending. */
  readonly cuts: readonly number[]
}

export interface Delivered {
  /** The complete answers that came, interim ones left out. */
  readonly answers: readonly RawAnswer[]
  /** Whether the gateway has closed the connection. */
  readonly closed: boolean
}

/**
 * What to wait for behind the last piece, on each connection: its end, an answer, or nothing but
 * that the gateway has read the piece.
 */
export type DeliveryEnd = 'closed' | 'answered' | 'read'

/**
 * Connections at a time. In one turn of its event loop a thread gives 64 answers of its own, and
 * closes connections on which it would have to give more.
 */
const CONNECTIONS_MAX = 48
/** What has not ended by then is told as it is. */
const END_MS_MAX = 20_000
/**
 * The native server cuts a head after ten seconds, counted from its first byte. Where the machine
 * took longer to send the pieces, that says nothing, and they are sent again.
 */
const NATIVE_CLOCK_MS = 8_000
const ATTEMPTS_MAX = 5
const HEALTH = 'GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n'

/** At once, byte by byte, and in two pieces, cut at each place there is. */
export function everyDelivery(bytes: string): readonly Delivery[] {
  const places = Array.from({ length: bytes.length - 1 }, (_, index) => index + 1)
  return [
    { bytes, cuts: [] },
    { bytes, cuts: places },
    ...places.map((place) => ({ bytes, cuts: [place] })),
  ]
}

/** At once, and in two pieces, cut at these places. */
export function someDeliveries(bytes: string, places: readonly number[]): readonly Delivery[] {
  return [{ bytes, cuts: [] }, ...places.map((place) => ({ bytes, cuts: [place] }))]
}

/**
 * @param port Of a gateway with one listener thread.
 * @yields Results in the order of the deliveries. Nothing more is sent when they are no longer
 *   wanted.
 */
export async function* deliver(
  port: number,
  deliveries: readonly Delivery[],
  end: DeliveryEnd,
): AsyncGenerator<Delivered> {
  for (let start = 0; start < deliveries.length; start += CONNECTIONS_MAX) {
    yield* await deliverTogether(port, deliveries.slice(start, start + CONNECTIONS_MAX), end)
  }
}

async function deliverTogether(
  port: number,
  group: readonly Delivery[],
  end: DeliveryEnd,
): Promise<readonly Delivered[]> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const startedAtMs = performance.now()
    const connections = await Promise.all(group.map(() => openRaw({ port })))
    const fence = await Fence.open(port)
    try {
      await sendPieces(connections, group, fence)
      if (performance.now() - startedAtMs > NATIVE_CLOCK_MS) continue
      await Promise.allSettled(connections.map((it) => waitForEnd(it, end)))
      return await Promise.all(connections.map(resultOf))
    } finally {
      for (const connection of connections) connection.destroy()
      fence.close()
    }
  }
  throw new Error(`the pieces took more than ${NATIVE_CLOCK_MS} ms, ${ATTEMPTS_MAX} times`)
}

async function sendPieces(
  connections: readonly RawConnection[],
  group: readonly Delivery[],
  fence: Fence,
): Promise<void> {
  const pieces = group.map(piecesOf)
  const rounds = Math.max(...pieces.map(({ length }) => length))
  await fence.pass()
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, connection] of connections.entries()) {
      const piece = pieces[index]?.[round]
      // As any client, it sends nothing more to a connection that was closed.
      if (piece !== undefined && !connection.closed) connection.send(piece)
    }
    await fence.pass()
  }
}

async function waitForEnd(connection: RawConnection, end: DeliveryEnd): Promise<void> {
  if (end === 'closed') await connection.waitForClose(END_MS_MAX)
  if (end === 'answered') await connection.waitForAnswers(1, [], END_MS_MAX)
}

function piecesOf({ bytes, cuts }: Delivery): readonly string[] {
  return [...cuts, bytes.length].map((end, index) => bytes.slice(cuts[index - 1] ?? 0, end))
}

async function resultOf(connection: RawConnection): Promise<Delivered> {
  return { answers: await connection.waitForAnswers(0), closed: connection.closed }
}

class Fence {
  readonly #connection: RawConnection
  #passed = 0

  private constructor(connection: RawConnection) {
    this.#connection = connection
  }

  static async open(port: number): Promise<Fence> {
    return new Fence(await openRaw({ port }))
  }

  async pass(): Promise<void> {
    this.#passed += 1
    this.#connection.send(HEALTH)
    await this.#connection.waitForAnswers(this.#passed)
  }

  close(): void {
    this.#connection.destroy()
  }
}
