/** The demo: a gateway with a real OpenID provider and an upstream around it, in one process. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { processEnvironment } from '../config/environment.ts'
import { parseConfig } from '../config/load-config.ts'
import { machineLimits } from '../config/machine-limits.ts'
import { parseJsonText } from '../protocol/strict-json.ts'
import type { SupervisorOptions } from '../supervisor/running-gateway.ts'
import { startSupervisor } from '../supervisor/supervisor.ts'
import { untilAborted } from '../supervisor/until-aborted.ts'
import { type EchoUpstream, startEchoUpstream } from './echo-upstream.ts'
import { type IdentityProvider, startIdentityProvider } from './identity-provider.ts'

const EXAMPLE = 'examples/demo.yaml'
const AUDIENCE = 'https://api.example.com'
const ANY_PORT = 0
/** The configuration of the demonstration has its digest. */
const API_KEY = 'demo-api-key'
/** Levels between this module and the project's root, in any of the folders it is compiled to. */
const LEVELS_UP_MAX = 6

export interface RunningDemo {
  readonly port: number
  readonly adminPort: number
  stop(): Promise<void>
}

/**
 * Starts everything and prints what to try, one `curl` line for each case.
 *
 * @throws (rejects) StartError when a port is taken.
 */
export async function startDemo(
  print: (line: string) => void,
  options: SupervisorOptions,
): Promise<RunningDemo> {
  const provider = await startIdentityProvider({
    port: ANY_PORT,
    algorithms: ['RS256', 'ES256', 'EdDSA'],
    audience: AUDIENCE,
    scopes: ['read', 'write'],
    claims: { email: 'alice@example.com', roles: ['user'], tenant_id: 'acme' },
  })
  const upstream = await startEchoUpstream(ANY_PORT)
  const parts = [() => upstream.stop(), () => provider.stop()]
  try {
    const gateway = await startSupervisor(configure(provider, upstream), options)
    parts.unshift(() => gateway.stop())
    await untilAborted(gateway.whenReady(), options.stop)
    const { port, adminPort } = gateway
    const lines = await tour(provider, upstream, port, adminPort)
    for (const line of lines) print(line)
    return { port, adminPort, stop: () => stopAll(parts) }
  } catch (error) {
    await stopAll(parts)
    throw error
  }
}

function configure(provider: IdentityProvider, upstream: EchoUpstream) {
  const file = join(projectRoot(), EXAMPLE)
  return parseConfig(readFileSync(file, 'utf8'), {
    environment: {
      ...processEnvironment(),
      SALLYPORT_DEMO_ISSUER: provider.issuer,
      SALLYPORT_DEMO_INTROSPECTION: provider.introspectionEndpoint,
      SALLYPORT_DEMO_CLIENT_SECRET: provider.clientSecret,
      SALLYPORT_DEMO_UPSTREAM: upstream.origin,
    },
    machine: machineLimits(),
    directory: dirname(file),
  })
}

async function tour(
  provider: IdentityProvider,
  upstream: EchoUpstream,
  port: number,
  adminPort: number,
): Promise<string[]> {
  const gateway = `http://127.0.0.1:${port}`
  const admin = `http://127.0.0.1:${adminPort}`
  const claims = { sub: 'alice' }
  const scopes = ['read']
  const [rs256, es256, scopeless, boss, opaque, session] = await Promise.all([
    provider.issueAccessToken({ algorithm: 'RS256', scopes, claims }),
    provider.issueAccessToken({ algorithm: 'ES256', scopes, claims }),
    provider.issueAccessToken({ algorithm: 'EdDSA', scopes: ['write'], claims }),
    provider.issueAccessToken({
      algorithm: 'RS256',
      scopes,
      claims: { sub: 'bob', email: 'bob@example.com', roles: ['admin'] },
    }),
    provider.issueOpaqueToken({ scopes, claims }),
    createSession(admin),
  ])
  const forged = `${rs256.slice(0, -8)}AAAAAAAA`
  const call = (path: string, token: string | null, more = '') => {
    const credential = token === null ? '' : ` -H 'Authorization: Bearer ${token}'`
    return `curl -i '${gateway}${path}'${credential}${more}`
  }
  return [
    'Sallyport demo. Ctrl-C ends it. Tokens below are good for an hour.',
    '',
    `  gateway            ${gateway}`,
    `  admin              ${admin}  (open it in a browser: the live page)`,
    `  identity provider  ${provider.issuer}  (a real OpenID provider)`,
    `  upstream           ${upstream.origin}  (answers with what it was sent)`,
    '',
    '# JWT signed with RS256: 200, and the upstream sees who is calling',
    call('/api/hello', rs256),
    '',
    '# ES256 works as well; an identity header of your own making does not get through',
    call('/api/hello', es256, " -H 'X-User-Id: mallory'"),
    '',
    '# an opaque token: 200; the gateway asks the identity provider what it is',
    call('/api/hello', opaque),
    '',
    '# a session cookie, as a login service gets it from the admin listener: 200',
    call('/account/me', null, ` -b 'sid=${session}'`),
    '',
    '# a request that changes something by cookie must come from a known site: 403, then 200',
    call('/account/me', null, ` -b 'sid=${session}' -X POST`),
    call('/account/me', null, ` -b 'sid=${session}' -X POST -H 'Sec-Fetch-Site: same-origin'`),
    '',
    '# an API key: 200',
    call('/api/hello', null, ` -H 'X-API-Key: ${API_KEY}'`),
    '',
    '# no credential: 401 with a challenge',
    call('/api/hello', null),
    '',
    '# a forged signature: 401',
    call('/api/hello', forged),
    '',
    '# a good token (EdDSA) without the scope that the route requires: 403',
    call('/api/hello', scopeless),
    '',
    '# a route for administrators: 403 for alice, 200 for bob',
    call('/admin/panel', rs256),
    call('/admin/panel', boss),
    '',
    '# why alice is refused there, step by step, from the gateway that runs',
    `node dist/main.js explain --admin ${admin} --url /admin/panel --token '${rs256}'`,
    '',
    '# what nginx, Envoy or Traefik are told of alice when they ask in place of the client: 200',
    call('/_sallyport/decide/auth-request', rs256, askedBy(gateway)),
    '',
    '# a route that asks for no credential',
    call('/public/hello', null),
    '',
    ...watching(gateway, admin),
  ]
}

/** As nginx tells which request it is about. */
function askedBy(gateway: string): string {
  return ` -H 'X-Original-Method: GET' -H 'X-Original-URL: ${gateway}/api/hello'`
}

function watching(gateway: string, admin: string): readonly string[] {
  return [
    '# health, and metrics for Prometheus',
    `curl -i '${gateway}/health/ready'`,
    `curl '${admin}/metrics'`,
  ]
}

/** What a login service does once it knows who has logged in. */
async function createSession(admin: string): Promise<string> {
  const answer = await fetch(`${admin}/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId: 'alice', email: 'alice@example.com', roles: ['user'] }),
  })
  const id = parseJsonText(await answer.text())?.['id']
  if (typeof id !== 'string') throw new Error(`no session was created: ${answer.status}`)
  return id
}

/** One after the other, the gateway first: what it depends on must outlive it. */
async function stopAll(parts: readonly (() => Promise<void>)[]): Promise<void> {
  for (const stop of parts) await stop()
}

function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  for (let level = 0; level < LEVELS_UP_MAX; level += 1) {
    try {
      readFileSync(join(folder, EXAMPLE))
      return folder
    } catch {
      folder = dirname(folder)
    }
  }
  throw new Error(`${EXAMPLE} is not where it should be`)
}
