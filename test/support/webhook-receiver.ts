/** A real HTTP server that takes security events, or does not. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LogLine } from './gateway-child.ts'
import { RestartableServer } from './restartable-server.ts'

interface Delivery {
  readonly fields: IncomingMessage['headers']
  readonly body: string
}

export class WebhookReceiver extends RestartableServer {
  status = 204
  readonly deliveries: Delivery[] = []

  /** All events that came, in order. */
  get events(): readonly LogLine[] {
    return this.deliveries.flatMap(({ body }) => (JSON.parse(body) as { events: LogLine[] }).events)
  }

  protected answer(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8')
      this.deliveries.push({ fields: request.headers, body })
      response.writeHead(this.status).end()
    })
  }
}
