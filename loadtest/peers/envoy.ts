/** Starts Envoy with `jwt_authn` and its JWT cache, or without authentication, where installed. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reservePort } from '../../test/support/reserved-port.ts'
import { startProcess } from '../child-process.ts'
import { AUDIENCE, ISSUER } from '../credentials.ts'
import { installedVersion } from '../installed-version.ts'
import { CACHED_TOKENS, type Peer, type PeerContext, skipped } from '../peer.ts'

/** With `forward: false` it removes the token. The key names the algorithm that it takes. */
function jwtFilter({ credentials }: PeerContext): string {
  return `
                  - name: envoy.filters.http.jwt_authn
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
                      providers:
                        main:
                          issuer: ${ISSUER}
                          audiences: [${AUDIENCE}]
                          require_expiration: true
                          local_jwks: { filename: ${JSON.stringify(credentials.jwksFile)} }
                          jwt_cache_config: { jwt_cache_size: ${CACHED_TOKENS} }
                          claim_to_headers: [{ header_name: x-user-id, claim_name: sub }]
                          forward: false
                      rules:
                        - match: { prefix: / }
                          requires: { provider_name: main }`
}

/**
 * Without the fields that Envoy would add to each request, which no other program here adds, and
 * without its bounds of 1024 on connections and waiting requests, which refuse what is beyond.
 */
function configuration(context: PeerContext, port: number, verifiesTokens: boolean): string {
  return `static_resources:
  listeners:
    - name: clients
      address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: clients
                generate_request_id: false
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes:
                        - match: { prefix: / }
                          route: { cluster: upstream }
                http_filters:${verifiesTokens ? jwtFilter(context) : ''}
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
                      suppress_envoy_headers: true
  clusters:
    - name: upstream
      type: STATIC
      connect_timeout: 2s
      circuit_breakers:
        thresholds:
          - { max_connections: 65536, max_pending_requests: 65536, max_requests: 65536 }
      load_assignment:
        cluster_name: upstream
        endpoints:
          - lb_endpoints:
              - endpoint:
                  address: { socket_address: { address: 127.0.0.1, port_value: ${context.upstreamPort} } }
`
}

function createEnvoyPeer(name: string, work: string, verifiesTokens: boolean): Peer {
  return {
    name,
    work,
    decides: false,
    async start(context) {
      const version = installedVersion('envoy', '--version', /\/(\d+\.\d+\.\d+)\//)
      if (version === null) return skipped('envoy', 'not installed')
      if (context.credential !== 'jwt' && verifiesTokens)
        return skipped('envoy', 'verifies JWTs only')
      const port = await reservePort()
      const file = join(context.folder, `${name}.yaml`)
      writeFileSync(file, configuration(context, port, verifiesTokens))
      const threads = ['--concurrency', String(context.threads)]
      const options = ['-c', file, ...threads, '--disable-hot-restart', '--log-level', 'error']
      const started = await startProcess('envoy', options, port)
      return { status: 'running', port, version: `Envoy ${version}`, ...started }
    },
  }
}

/** What the way through Envoy costs by itself. */
export const envoyPlainPeer = createEnvoyPeer(
  'envoy-plain',
  'passes everything through, Authorization included; no authentication, no access log',
  false,
)

/** The gateway's work as Envoy's users write it down. */
export const envoyJwtPeer = createEnvoyPeer(
  'envoy-jwt',
  `jwt_authn with a cache of ${CACHED_TOKENS} JWTs a worker; checks signature, iss, aud and exp, ` +
    'sets X-User-Id, removes Authorization; no access log',
  true,
)
