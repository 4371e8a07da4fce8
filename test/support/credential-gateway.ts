/** Whole gateways before an echo upstream, for tests of opaque tokens, sessions and API keys. */
import { createHash, randomBytes } from 'node:crypto'
import { type IncomingHttpHeaders, request } from 'node:http'
import { eventually } from './eventually.ts'
import { type RunningGateway, startGateway } from './running-gateway.ts'
import { startEchoUpstream } from './upstream-servers.ts'

type Settings = Readonly<Record<string, unknown>>

export interface CredentialGateway {
  readonly gateway: RunningGateway
  /** Requests that reached the upstream. */
  upstreamRequests(): number
  ask(path: string, headers?: Readonly<Record<string, string>>, method?: string): Promise<Reply>
  stop(): Promise<void>
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly durationMs: number
}

/** `error` of a refusal, or `passed`. */
export function outcomeOf({ status, text }: Reply): string {
  return status === 200 ? 'passed' : `${status} ${(JSON.parse(text) as { error: string }).error}`
}

/** One value that the upstream got, or `null`. */
export function upstreamField({ text }: Reply, name: string): string | null {
  const { rawHeaders } = JSON.parse(text) as { readonly rawHeaders: readonly string[] }
  const place = rawHeaders.findIndex((field, at) => at % 2 === 0 && field.toLowerCase() === name)
  return place === -1 ? null : (rawHeaders[place + 1] ?? null)
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** An id as a login would make it. */
export function newSessionId(): string {
  return randomBytes(32).toString('base64url')
}

/** @param routes Settings by path; each goes to the echo upstream. */
export async function startCredentialGateway(
  settings: Settings,
  routes: Readonly<Record<string, Settings>>,
  environment: Readonly<Record<string, string>> = {},
): Promise<CredentialGateway> {
  const upstream = await startEchoUpstream()
  const text = JSON.stringify({
    server: { host: '127.0.0.1', port: 0, drain: { delay: '0s', timeout: '200ms' } },
    admin: { host: '127.0.0.1', port: 0 },
    upstreams: { echo: { targets: [upstream.origin] } },
    logging: { level: 'info', accessLog: { enabled: false } },
    ...settings,
    routes: Object.entries(routes).map(([path, route]) => ({
      name: `at${path.replace(/[^a-z]/g, '')}`,
      match: { path },
      upstream: 'echo',
      ...route,
    })),
  })
  const gateway = await startGateway(text, environment)
  // Before that, what may have been revoked is refused.
  if (text.includes('"redis"')) await eventually('ready', () => gateway.isReady())
  return {
    gateway,
    upstreamRequests: () => upstream.requests,
    ask: (path, headers = {}, method = 'GET') => askOnce(gateway.port, path, headers, method),
    async stop() {
      await gateway.stop()
      await upstream.close()
    },
  }
}

function askOnce(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
  method: string,
): Promise<Reply> {
  const startedAtMs = performance.now()
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, path, method, headers, agent: false },
      (answer) => {
        let text = ''
        answer.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            text,
            durationMs: performance.now() - startedAtMs,
          }),
        )
      },
    )
    sent.on('error', reject)
    sent.end()
  })
}
