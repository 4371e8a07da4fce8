/** A server that is not what its clients expect. */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

const HOST = '127.0.0.1'

/** Accepts connections and says what no Redis would. */
export class RubbishServer {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('data', () => socket.write('SSH-2.0-OpenSSH_9.2\r\n'))
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  static async start(): Promise<RubbishServer> {
    const server = new RubbishServer(createServer())
    server.#server.listen(0, HOST)
    await once(server.#server, 'listening')
    return server
  }

  get node() {
    const address = this.#server.address()
    return { host: HOST, port: typeof address === 'object' ? (address?.port ?? 0) : 0 }
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
