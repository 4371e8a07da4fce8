/**
 * A small TCP balancer: new connections go in turn to the instances that say they are ready. For
 * tests, and where none of the real ones is installed.
 */
import { get } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const PROBE_INTERVAL_MS = 50
const PROBE_TIMEOUT_MS = 1_000

export class TcpBalancer {
  readonly #ready = new Map<number, boolean>()
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((client) => this.#connect(client))
  readonly #over = new AbortController()
  readonly #probing: Promise<void>
  #turn = 0

  private constructor(ports: readonly number[]) {
    for (const port of ports) this.#ready.set(port, false)
    this.#probing = this.#probe()
  }

  static async start(ports: readonly number[]): Promise<TcpBalancer> {
    const balancer = new TcpBalancer(ports)
    await new Promise<void>((resolve) => balancer.#server.listen(0, '127.0.0.1', resolve))
    return balancer
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    this.#over.abort()
    await this.#probing
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  async #probe(): Promise<void> {
    const { signal } = this.#over
    while (!signal.aborted) {
      for (const port of this.#ready.keys()) this.#ready.set(port, await isReady(port))
      await delay(PROBE_INTERVAL_MS, undefined, { signal }).catch(() => {})
    }
  }

  #connect(client: Socket): void {
    const ready = [...this.#ready].filter(([, isReady]) => isReady).map(([port]) => port)
    const port = ready[this.#turn++ % ready.length]
    if (port === undefined) {
      client.destroy()
      return
    }
    const instance = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [client, instance],
      [instance, client],
    ] as const) {
      this.#sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => this.#sockets.delete(from))
      from.pipe(to)
    }
  }
}

/** Whether the instance on this port says that it is ready. Never rejects. */
export function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = get(
      { host: '127.0.0.1', port, path: '/health/ready', agent: false, timeout: PROBE_TIMEOUT_MS },
      (answer) => {
        answer.resume()
        resolve(answer.statusCode === 200)
      },
    )
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve(false))
  })
}
