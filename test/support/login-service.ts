/** A login service behind the gateway: keeps the bodies it got, and refuses wrong passwords. */
import { createServer } from 'node:http'
import { listen } from './listening-port.ts'

export interface LoginService {
  readonly origin: string
  /** Bodies in the order in which they came, as they came. */
  readonly bodies: readonly Buffer[]
  /** Their media types. */
  readonly types: readonly (string | undefined)[]
  close(): Promise<void>
}

/** 401 for every body with `wrong` in it, no answer for one with `slow`, 200 for all others. */
export async function startLoginService(): Promise<LoginService> {
  const bodies: Buffer[] = []
  const types: (string | undefined)[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      bodies.push(body)
      types.push(request.headers['content-type'])
      if (body.includes('slow')) return
      response.writeHead(body.includes('wrong') ? 401 : 200, { 'content-length': 0 }).end()
    })
  })
  const port = await listen(server)
  return {
    origin: `http://127.0.0.1:${port}`,
    bodies,
    types,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
