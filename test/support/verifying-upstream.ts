/**
 * An upstream that trusts internal tokens alone: it verifies each with `jose` against the keys that
 * the gateway publishes, and tells the claims back.
 */
import { createServer, type Server } from 'node:http'
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'
import { listen, portOf } from './listening-port.ts'

export interface KeyCacheTimes {
  /** How long a fetched set of keys is used. */
  readonly cacheMaxAge: number
  /** How long after a fetch an unknown `kid` is no reason for another. */
  readonly cooldownDuration: number
}

export class VerifyingUpstream {
  /** `kid` of every token that was good. */
  readonly keyIds = new Set<string>()
  verified = 0
  /** Why each of the others was not. */
  readonly failures: string[] = []
  readonly #server: Server
  readonly #times: KeyCacheTimes | undefined
  #keys: ReturnType<typeof createRemoteJWKSet> | null = null

  constructor(times?: KeyCacheTimes) {
    this.#times = times
    this.#server = createServer((request, response) => {
      void this.#verify(request.headers.authorization ?? '').then((claims) => {
        response.writeHead(claims === null ? 401 : 200, { 'content-type': 'application/json' })
        response.end(JSON.stringify(claims))
      })
    })
  }

  get origin(): string {
    return `http://127.0.0.1:${portOf(this.#server)}`
  }

  async listen(): Promise<void> {
    await listen(this.#server)
  }

  /** Trusts the tokens of this gateway, which knows the upstream already. */
  trust(gatewayOrigin: string): void {
    this.#keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', gatewayOrigin), this.#times)
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  async #verify(authorization: string): Promise<JWTPayload | null> {
    try {
      if (this.#keys === null) throw new Error('no gateway is trusted')
      const token = authorization.replace(/^Bearer /, '')
      const { payload, protectedHeader } = await jwtVerify(token, this.#keys, {
        issuer: 'gateway.internal',
        audience: 'internal-services',
        algorithms: ['ES256', 'EdDSA'],
        typ: 'at+jwt',
        requiredClaims: ['sub', 'iat', 'exp', 'jti'],
      })
      this.verified += 1
      this.keyIds.add(protectedHeader.kid ?? '')
      return payload
    } catch (error) {
      this.failures.push(error instanceof Error ? error.message : String(error))
      return null
    }
  }
}
