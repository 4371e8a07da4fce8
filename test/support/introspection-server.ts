/** A real HTTP server that answers like an introspection endpoint, or misbehaves on command. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { RestartableServer } from './restartable-server.ts'

/** One request as it came in. */
export interface ReceivedRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly form: URLSearchParams
}

/** @param token What was asked about. */
export type IntrospectionReply = (response: ServerResponse, token: string) => void

const SLOW_STEP_MS = 40
const HUGE_BYTES = 5 * 1_024 * 1_024

export class IntrospectionServer extends RestartableServer {
  reply: IntrospectionReply = json({ active: false })
  readonly requests: ReceivedRequest[] = []

  static async start(): Promise<IntrospectionServer> {
    const server = new IntrospectionServer()
    await server.up()
    return server
  }

  get url(): string {
    return `${this.origin}/introspect`
  }

  /** Settings of an issuer of this name whose opaque tokens this endpoint knows. */
  issuer(name: string, introspection: object = {}) {
    return {
      issuer: `https://${name}.example.com/`,
      audiences: ['api'],
      introspection: {
        endpoint: this.url,
        clientId: 'gateway',
        clientSecret: 's3cret',
        ...introspection,
      },
    }
  }

  protected answer(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
      this.requests.push({
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        form,
      })
      this.reply(response, form.get('token') ?? '')
    })
  }
}

let tokens = 0

/** An opaque token that was not used before. */
export function newOpaqueToken(): string {
  tokens += 1
  return `opaque-${tokens}`
}

/** 200 with this answer. */
export function json(answer: unknown): IntrospectionReply {
  return text(JSON.stringify(answer), 'application/json; charset=utf-8')
}

export function text(body: string, contentType: string | null, status = 200): IntrospectionReply {
  return (response) => {
    response.writeHead(status, contentType === null ? {} : { 'content-type': contentType })
    response.end(body)
  }
}

export function status(code: number): IntrospectionReply {
  return text('{"active":true}', 'application/json', code)
}

/** Takes its time. */
export function after(delayMs: number, reply: IntrospectionReply): IntrospectionReply {
  return (response, token) => {
    setTimeout(() => reply(response, token), delayMs)
  }
}

/** Works on so many requests at once, for so long each; the others wait their turn. */
export function withWorkers(
  count: number,
  workMs: number,
  reply: IntrospectionReply,
): IntrospectionReply {
  const waiting: (() => void)[] = []
  let working = 0
  const next = (): void => {
    const work = working < count ? waiting.shift() : undefined
    if (work === undefined) return
    working += 1
    setTimeout(() => {
      work()
      working -= 1
      next()
    }, workMs)
  }
  return (response, token) => {
    waiting.push(() => reply(response, token))
    next()
  }
}

/** One answer for the tokens of this list, another for all others. */
export function aboutEach(
  known: readonly string[],
  reply: IntrospectionReply,
  otherwise: IntrospectionReply,
): IntrospectionReply {
  return (response, token) => (known.includes(token) ? reply : otherwise)(response, token)
}

/** The request is read and never answered. */
export const hanging: IntrospectionReply = () => {}

/** 307 to a place that would be good. */
export const redirect: IntrospectionReply = (response) => {
  response.writeHead(307, { location: '/moved' }).end()
}

/** 5 MB of JSON, with a length. */
export const huge: IntrospectionReply = (response) => {
  const body = `{"active":true,"x":"${'x'.repeat(HUGE_BYTES)}"}`
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
}

/** The same without a length, so that only counting helps. */
export const endless: IntrospectionReply = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const pump = () => {
    while (!response.destroyed && response.write(' '.repeat(64 * 1_024))) {
      // Until the socket is full; `drain` goes on.
    }
  }
  response.on('drain', pump)
  pump()
}

/** A good answer, one byte at a time: every single one in time, the whole never. */
export const dripping: IntrospectionReply = (response) => {
  const body = JSON.stringify({ active: true, sub: 'x'.repeat(10_000) })
  response.writeHead(200, { 'content-type': 'application/json' })
  let sent = 0
  const timer = setInterval(() => response.write(body.charAt(sent++)), SLOW_STEP_MS)
  response.on('close', () => clearInterval(timer))
}

/** The connection ends before anything was answered. */
export const cut: IntrospectionReply = (response) => {
  response.socket?.destroy()
}

/** The connection ends in the middle of the answer. */
export const cutInBody: IntrospectionReply = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 })
  response.write('{"active":true', () => response.socket?.destroy())
}

/** Not HTTP at all. */
export const garbage: IntrospectionReply = (response) => {
  response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n')
}
