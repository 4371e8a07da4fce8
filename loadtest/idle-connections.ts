/**
 * Keep-alive connections that have each asked something and then wait.
 *
 * The native server closes a connection that is silent for some ten seconds. So those that are to
 * stay are asked again before each reading, and those that were closed are replaced.
 */
import { connect, type Socket } from 'node:net'
import { PROXIED } from './scenario.ts'

/** Requests under way at once: as many as there are connections in other load tests. */
const UNDER_WAY_MAX = 64
/** The whole head, whichever field comes last. */
const GOOD_HEAD = /^HTTP\/1\.1 200 [\s\S]*?\r\ncontent-length: *(\d+)\r\n(?:[\s\S]*?\r\n)?\r\n/i
const STATUS_LINE = 'HTTP/1.1 200'
const ANSWER_MS_MAX = 10_000

/**
 * Resolves with `true` once a whole answer with 200 has come, with `false` when the connection ends
 * before. Rejects on another answer, or a late one.
 */
function ask(socket: Socket, request: string): Promise<boolean> {
  if (socket.closed) return Promise.resolve(false)
  return new Promise((resolve, reject) => {
    let received = ''
    const leave = (): void => {
      clearTimeout(timer)
      socket.off('data', read).off('close', end)
    }
    const fail = (what: string): void => {
      leave()
      reject(new Error(`An idle connection got ${what}: run is void.`))
    }
    const read = (part: string): void => {
      received += part
      const head = GOOD_HEAD.exec(received)
      if (head !== null && received.length >= head[0].length + Number(head[1])) {
        leave()
        resolve(true)
      } else if (!STATUS_LINE.startsWith(received.slice(0, STATUS_LINE.length))) {
        fail(received.slice(0, STATUS_LINE.length))
      }
    }
    const end = (): void => {
      leave()
      resolve(false)
    }
    const timer = setTimeout(() => fail('no answer in time'), ANSWER_MS_MAX)
    socket.on('data', read).once('close', end)
    socket.write(request, 'latin1')
  })
}

export class IdleConnections {
  readonly #port: number
  readonly #request: string
  #sockets: Socket[] = []

  /** @param token Of each request: one, so that nothing grows but connections. */
  constructor(port: number, token: string) {
    this.#port = port
    const fields = `host: idle\r\nauthorization: Bearer ${token}`
    this.#request = `GET ${PROXIED.path} HTTP/1.1\r\n${fields}\r\n\r\n`
  }

  /** Those that neither side has closed. */
  get open(): number {
    return this.#sockets.filter(({ closed }) => !closed).length
  }

  /**
   * Opens connections until there are so many, and asks on every one of them.
   *
   * @throws When one gets anything but 200; one that was closed while it was idle does not count.
   */
  async growTo(count: number): Promise<void> {
    this.#sockets = this.#sockets.filter(({ closed }) => !closed)
    let next = 0
    const askInTurn = async (): Promise<void> => {
      while (next < count) {
        const place = next
        next += 1
        await this.#askAt(place)
      }
    }
    await Promise.all(Array.from({ length: UNDER_WAY_MAX }, askInTurn))
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Opened when its turn comes: one that waits long before its first request is closed. */
  async #askAt(place: number): Promise<void> {
    const known = this.#sockets[place]
    if (known !== undefined && (await ask(known, this.#request))) return
    const socket = connect(this.#port, '127.0.0.1')
    socket
      .setNoDelay(true)
      .setEncoding('latin1')
      .on('error', () => {})
    this.#sockets[place] = socket
    if (!(await ask(socket, this.#request))) throw new Error('A new connection was closed.')
  }
}
