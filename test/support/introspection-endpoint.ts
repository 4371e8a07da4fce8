/** An introspection endpoint on a real socket that misbehaves on command. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** `hanging`: read and never answered. `cut`: the connection ends in the middle of the answer. */
export type IntrospectionBehaviour =
  | {
      readonly kind: 'answer'
      readonly body: string
      readonly status?: number
      readonly type?: string
    }
  | { readonly kind: 'hanging' | 'cut' | 'redirect' | 'huge' | 'drip' }

export class IntrospectionEndpoint {
  behaviour: IntrospectionBehaviour = { kind: 'answer', body: '{"active":false}' }
  /** Forms that were posted, and what authenticated them. */
  readonly requests: { readonly form: URLSearchParams; readonly authorization: string | null }[] =
    []
  #server: Server | null = null
  #port = 0

  static async start(): Promise<IntrospectionEndpoint> {
    const endpoint = new IntrospectionEndpoint()
    await endpoint.up()
    return endpoint
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/introspect`
  }

  /** What the next answers say. */
  says(answer: Readonly<Record<string, unknown>>): void {
    this.behaviour = { kind: 'answer', body: JSON.stringify(answer) }
  }

  async up(): Promise<void> {
    const server = createServer((request, response) => {
      let text = ''
      request.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      request.on('end', () => {
        const authorization = request.headers.authorization ?? null
        this.requests.push({ form: new URLSearchParams(text), authorization })
        respond(response, this.behaviour)
      })
    })
    await new Promise<void>((resolve) => {
      server.listen(this.#port, '127.0.0.1', resolve)
    })
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  /** Nobody listens any more. */
  async down(): Promise<void> {
    const server = this.#server
    this.#server = null
    if (server === null) return
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }
}

const HUGE_BYTES = 5 * 1_024 * 1_024
const JSON_TYPE = 'application/json'

function respond(response: ServerResponse, behaviour: IntrospectionBehaviour): void {
  switch (behaviour.kind) {
    case 'answer': {
      const { status = 200, type = JSON_TYPE, body } = behaviour
      response.writeHead(status, { 'content-type': type }).end(body)
      break
    }
    case 'hanging':
      break
    case 'cut':
      response.writeHead(200, { 'content-type': JSON_TYPE, 'content-length': 100 })
      response.write('{"active":true', () => response.socket?.destroy())
      break
    case 'redirect':
      response.writeHead(302, { location: '/elsewhere' }).end()
      break
    case 'huge':
      response.writeHead(200, { 'content-type': JSON_TYPE }).end(Buffer.alloc(HUGE_BYTES, 0x20))
      break
    case 'drip': {
      response.writeHead(200, { 'content-type': JSON_TYPE })
      const timer = setInterval(() => response.write(' '), 50)
      response.on('close', () => clearInterval(timer))
      break
    }
  }
}
