/**
 * Fastify as a gateway, a process of its own: tokens are verified by @fastify/jwt, requests passed
 * on by @fastify/http-proxy, both as their documentation has it.
 *
 * The packages are loaded from where they were found, because the project does not depend on them.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { FastifyJob } from './fastify.ts'

interface VerifiedRequest {
  /** Rejects with an error that Fastify answers with 400 or 401. */
  jwtVerify(): Promise<unknown>
  /** The claims of the token. */
  readonly user: { readonly sub: string }
}

type Headers = Record<string, string | string[] | undefined>

interface Server {
  register(plugin: unknown, options: object): void
  addHook(name: 'onRequest', hook: (request: VerifiedRequest) => Promise<unknown>): void
  listen(options: { readonly host: string; readonly port: number }): Promise<string>
}

const job = JSON.parse(process.argv[2] ?? '') as FastifyJob
const load = createRequire(import.meta.url)
const createServer = load(job.packages.fastify) as () => Server

const server = createServer()
server.register(load(job.packages.jwt), {
  secret: { public: readFileSync(job.publicKeyFile, 'utf8') },
  verify: {
    algorithms: [job.algorithm],
    allowedIss: job.issuer,
    allowedAud: job.audience,
    // It checks only the claims that are there.
    requiredClaims: ['iss', 'aud', 'exp', 'sub'],
    cache: job.cachedTokens,
  },
})
// Without options of its own: with any, a verifier would be made for each request, with an empty
// cache.
server.addHook('onRequest', (request) => request.jwtVerify())
server.register(load(job.packages.httpProxy), {
  upstream: job.upstreamOrigin,
  undici: { connections: job.connections, pipelining: 1 },
  replyOptions: {
    rewriteRequestHeaders: ({ user }: VerifiedRequest, headers: Headers): Headers => {
      const { authorization: _, ...others } = headers
      return { ...others, 'x-user-id': user.sub }
    },
  },
})
await server.listen({ host: '127.0.0.1', port: job.port })
