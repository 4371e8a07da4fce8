/** A service that says itself who may read its answers, as many frameworks do when asked to. */
import { createServer } from 'node:http'
import { listen } from './listening-port.ts'

export interface SharingUpstream {
  readonly origin: string
  readonly port: number
  /** `GET /path` of each request, in the order of their arrival. */
  readonly asked: readonly string[]
  close(): Promise<void>
}

const FIELDS = {
  'Access-Control-Allow-Origin': '*',
  'access-control-allow-credentials': 'true',
  'Access-Control-Expose-Headers': 'X-Secret',
  'X-Secret': 'for the pages of the service alone',
  ETag: '"1"',
  Vary: 'Accept-Encoding',
}

/** Answers every path: `…/hold` never, `…/page` with an empty page, all others with `read`. */
export async function startSharingUpstream(): Promise<SharingUpstream> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    asked.push(`${request.method ?? ''} ${path}`)
    if (path.endsWith('/hold')) return
    const type = path.endsWith('/page') ? 'text/html' : 'text/plain'
    response.writeHead(200, { ...FIELDS, 'content-type': type })
    response.end(path.endsWith('/page') ? '<!doctype html><title>page</title>' : 'read')
  })
  const port = await listen(server)
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
