/** Starts HAProxy with `jwt_verify`, where it is installed. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reservePort } from '../../test/support/reserved-port.ts'
import { startProcess } from '../child-process.ts'
import { AUDIENCE, ISSUER } from '../credentials.ts'
import type { Peer, PeerContext } from '../peer.ts'
import { PROXIED } from '../scenario.ts'

/** Checks of claims as HAProxy's users write them: each one decodes the payload again. */
const CLAIM_CHECKS = `
  http-request set-var(txn.exp) http_auth_bearer,jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless { http_auth_bearer,jwt_payload_query('$.iss') -m str ${ISSUER} }
  http-request deny deny_status 401 unless { http_auth_bearer,jwt_payload_query('$.aud') -m str ${AUDIENCE} }
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request set-header X-User-Id %[http_auth_bearer,jwt_payload_query('$.sub')]
  http-request del-header Authorization`

function configuration(context: PeerContext, port: number, checksClaims: boolean): string {
  const { algorithm, publicKeyFile } = context.credentials
  return `global
  nbthread ${context.threads}
  maxconn 4096
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  option http-keep-alive
  http-reuse always
frontend clients
  bind 127.0.0.1:${port}
  http-request deny deny_status 401 unless { http_auth_bearer -m found }
  http-request set-var(txn.alg) http_auth_bearer,jwt_header_query('$.alg')
  http-request deny deny_status 401 unless { var(txn.alg) -m str ${algorithm} }
  http-request deny deny_status 401 unless { http_auth_bearer,jwt_verify(txn.alg,"${publicKeyFile}") -m int 1 }${
    checksClaims ? CLAIM_CHECKS : ''
  }
  default_backend upstream
backend upstream
  server one 127.0.0.1:${context.upstreamPort}
`
}

function createHaproxyPeer(name: string, work: string, checksClaims: boolean): Peer {
  return {
    name,
    work,
    errand: PROXIED,
    async start(context) {
      const probe = spawnSync('haproxy', ['-v'], { encoding: 'utf8' })
      if (probe.status !== 0)
        return { status: 'skipped', reason: 'haproxy: not installed, skipped' }
      if (context.redisPort !== null)
        return { status: 'skipped', reason: 'haproxy: knows no sessions, skipped' }
      const port = await reservePort()
      const file = join(context.folder, `${name}.cfg`)
      writeFileSync(file, configuration(context, port, checksClaims))
      const started = await startProcess('haproxy', ['-db', '-f', file], port)
      const version = /version (\S+)/.exec(probe.stdout)?.[1] ?? 'unknown'
      return { status: 'running', port, version: `HAProxy ${version}`, ...started }
    },
  }
}

/** The gateway's work as HAProxy's users write it down: what the speed figures are ratios to. */
export const haproxyPeer = createHaproxyPeer(
  'haproxy',
  'jwt_verify; checks alg, iss, aud and exp, sets X-User-Id, removes Authorization',
  true,
)

/** The lightest configuration that verifies a signature, for comparison. Not the same work. */
export const haproxySignatureOnlyPeer = createHaproxyPeer(
  'haproxy-signature-only',
  'jwt_verify and alg only: checks no claim, not even exp; sets no identity header',
  false,
)
