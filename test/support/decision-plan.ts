/** A gateway whose decision endpoint tests ask, and what its routes are for. */
import { createHash } from 'node:crypto'
import type { ProxiedRequest } from './asked-via.ts'
import { eventually } from './eventually.ts'
import type { Fields } from './gateway-answer.ts'
import type { GatewayPlan } from './gateway-text.ts'
import { goodAndDownIssuers } from './issuer-settings.ts'
import { liveToken, wallSeconds } from './live-token.ts'
import { ISSUER, mintKey } from './mint-token.ts'
import type { TestGateway } from './test-gateway.ts'

const SECRET = 's'.repeat(32)
export const KEY = 'sp_live_0123456789abcdef0123456789abcdef'
export const HOST = 'shop.example.com'
const TRUSTED = { trustedPeers: ['127.0.0.0/8'] }

/** Opens a session. @returns Its cookie, as a browser sends it. */
export async function sessionOf(gateway: TestGateway, userId: string): Promise<string> {
  const { body } = await gateway.admin('/sessions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId, roles: ['user'] }),
  })
  return `__Host-sid=${String(body['id'])}`
}

/** @param closedPort Where an introspection endpoint should be. */
export function decisionPlan(
  closedPort: number,
  decision: Readonly<Record<string, unknown>>,
  server: Readonly<Record<string, unknown>> = {},
): GatewayPlan {
  return {
    server,
    decision: { ...TRUSTED, ...decision },
    issuers: goodAndDownIssuers(SECRET, closedPort),
    apiKeys: {
      keys: [
        {
          sha256: createHash('sha256').update(KEY).digest('hex'),
          userId: 'machine-1',
          scopes: ['read'],
        },
      ],
    },
    sessions: { store: 'memory' },
    rateLimits: { one: { perAddress: { rate: '1/h', burst: 1 } } },
    tenants: {
      resolve: [
        { from: 'subdomain', pattern: '{tenant}.tenants.example.com' },
        { from: 'header', name: 'X-Tenant-Id' },
      ],
      required: false,
      registry: { acme: {}, globex: {} },
    },
    routes: {
      '/orders/*': {
        authenticate: ['jwt', 'apiKey', 'session'],
        issuers: ['main'],
        tenant: 'none',
      },
      '/admin/*': {
        authenticate: ['jwt'],
        issuers: ['main'],
        tenant: 'none',
        require: { scopes: { all: ['admin'] } },
      },
      '/tenant/*': { authenticate: ['jwt'], issuers: ['main'] },
      '/opaque/*': { authenticate: ['introspection'], issuers: ['down'], tenant: 'none' },
      '/open/*': { authenticate: 'none', tenant: 'none' },
      '/hosted/*': {
        authenticate: 'none',
        tenant: 'none',
        match: { path: '/hosted/*', host: 'public.example.com' },
      },
      '/client/*': {
        authenticate: 'none',
        tenant: 'none',
        allowFrom: ['127.0.0.10'],
        cors: { origins: ['https://app.example.com'] },
      },
      '/limited/*': { authenticate: 'none', tenant: 'none', rateLimit: 'one' },
      '/shadow/*': { authenticate: ['jwt'], issuers: ['main'], tenant: 'none', mode: 'shadow' },
      '/pages/*': {
        authenticate: ['jwt'],
        issuers: ['main'],
        tenant: 'none',
        loginRedirect: { url: '/login' },
      },
      '/shared/*': {
        authenticate: ['jwt'],
        issuers: ['main'],
        tenant: 'none',
        cors: { origins: ['https://app.example.com'] },
      },
    },
  }
}

export function request(target: string, fields: Fields = [], method = 'GET'): ProxiedRequest {
  return { method, target, host: HOST, scheme: 'https', fields }
}

export async function portOfItsOwn(gateway: TestGateway): Promise<number> {
  let port = 0
  await eventually('it listens', () => {
    port = Number(gateway.log.find(({ event }) => event === 'decision_listening')?.['port'] ?? 0)
    return port !== 0
  })
  return port
}

export const key = { ...mintKey('HS256'), signingKey: Buffer.from(SECRET) }
export const token = liveToken(key, ISSUER, { sub: 'user-1', scope: 'read', tenant_id: 'acme' })
export const expired = liveToken(key, ISSUER, { sub: 'user-1', exp: wallSeconds() - 600 })
