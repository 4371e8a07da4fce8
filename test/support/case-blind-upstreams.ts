/** Real upstreams that read paths less strictly than they are written. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import express from 'express'
import { listen } from './listening-port.ts'

export interface CaseBlindUpstream {
  readonly origin: string
  readonly port: number
  close(): Promise<void>
}

/** Express as it comes: its router ignores case and a slash at the end. */
export function startExpressUpstream(): Promise<CaseBlindUpstream> {
  const app = express()
  app.use('/api/admin', (_request, response) => void response.send('admin'))
  app.get('/api/:kind/settings', (_request, response) => void response.send('admin'))
  app.get('/health/live', (_request, response) => void response.send('upstream health'))
  app.use((_request, response) => void response.send('other'))
  return listening(createServer(app))
}

/** Reads a path as a server on Windows may: again and again, and then without what is left over. */
function windowsName(segment: string): string {
  let end = segment.length
  while (end > 0 && '. '.includes(segment[end - 1] ?? '')) end -= 1
  return segment.slice(0, end).toLowerCase()
}

function windowsPath(url: string): readonly string[] {
  let path = url
  for (let count = 0; count < 3; count += 1) {
    try {
      path = decodeURIComponent(path)
    } catch {
      break
    }
  }
  const segments: string[] = []
  for (const part of path.normalize('NFKC').replaceAll('\\', '/').split('/')) {
    const [segment = ''] = part.split(/[;?#\0]/, 1)
    if (segment.trimEnd() === '..') segments.pop()
    else if (windowsName(segment) !== '') segments.push(windowsName(segment))
  }
  return segments
}

export function startWindowsUpstream(): Promise<CaseBlindUpstream> {
  return listening(
    createServer((request, response) => {
      response.end(contentOf(windowsPath(request.url ?? '')))
    }),
  )
}

/** Its query begins at a semicolon, too, as the router of Fastify 4 has it; it tells case apart. */
export function startSemicolonUpstream(): Promise<CaseBlindUpstream> {
  return listening(
    createServer((request, response) => {
      const [path = ''] = (request.url ?? '').split(/[;?]/, 1)
      response.end(contentOf(path.slice(1).split('/')))
    }),
  )
}

function contentOf([api, kind, settings, ...rest]: readonly string[]): string {
  const isSettings = settings === 'settings' && rest.join('') === ''
  return api === 'api' && (kind === 'admin' || isSettings) ? 'admin' : 'other'
}

async function listening(server: Server): Promise<CaseBlindUpstream> {
  const port = await listen(server)
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
