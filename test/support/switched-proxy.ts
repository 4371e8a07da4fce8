/**
 * A name that leads to one server after another, as managed services have it: connections are
 * relayed to the target of the moment, and those that are open stay with the one they had.
 */
import { connect as connectTo, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { reservePort } from './reserved-port.ts'

const HOST = '127.0.0.1'

export class SwitchedProxy {
  readonly port: number
  /** Port that new connections are led to. */
  target: number
  /** Before each piece of an answer goes on. */
  answerDelayMs = 0
  /** Bytes of answers that were, or still are, delayed. */
  delayedBytes = 0
  /** Connections accepted since the start. */
  accepted = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(port: number, target: number) {
    this.port = port
    this.target = target
    this.#server = createServer((client) => this.#relay(client))
  }

  static async start(target: number): Promise<SwitchedProxy> {
    const proxy = new SwitchedProxy(await reservePort(), target)
    await proxy.resume()
    return proxy
  }

  get address(): string {
    return `${HOST}:${this.port}`
  }

  get node() {
    return { host: HOST, port: this.port }
  }

  /** Ends all connections, so that none is left to an earlier target. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Ends all connections, and refuses others. */
  async stop(): Promise<void> {
    this.cut()
    await new Promise((resolve) => {
      this.#server.close(resolve)
    })
  }

  /** Listens again where it did before it was stopped. */
  async resume(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(this.port, HOST, resolve)
    })
  }

  #relay(client: Socket): void {
    this.accepted += 1
    const server = connectTo(this.target, HOST)
    for (const [own, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(own)
      own.setNoDelay(true)
      own.on('error', () => {})
      own.on('close', () => {
        this.#sockets.delete(own)
        other.destroy()
      })
    }
    client.on('data', (chunk) => server.write(chunk))
    server.on('data', (chunk) => void this.#answer(client, chunk))
  }

  async #answer(client: Socket, chunk: Uint8Array): Promise<void> {
    if (this.answerDelayMs > 0) {
      this.delayedBytes += chunk.length
      // An answer that is held back for ever must not keep the test from ending.
      await delay(this.answerDelayMs, undefined, { ref: false })
    }
    client.write(chunk)
  }
}
