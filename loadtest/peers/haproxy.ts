/** Starts HAProxy with `jwt_verify`, or without authentication, where it is installed. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reservePort } from '../../test/support/reserved-port.ts'
import { startProcess } from '../child-process.ts'
import { AUDIENCE, type Credentials, ISSUER } from '../credentials.ts'
import { installedVersion } from '../installed-version.ts'
import { type Peer, type PeerContext, skipped } from '../peer.ts'

type Checks = 'nothing' | 'signature' | 'claims'

/** Checks of claims as HAProxy's users write them: each one decodes the payload again. */
const CLAIM_CHECKS = `
  http-request set-var(txn.exp) http_auth_bearer,jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless { http_auth_bearer,jwt_payload_query('$.iss') -m str ${ISSUER} }
  http-request deny deny_status 401 unless { http_auth_bearer,jwt_payload_query('$.aud') -m str ${AUDIENCE} }
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request set-header X-User-Id %[http_auth_bearer,jwt_payload_query('$.sub')]
  http-request del-header Authorization`

function signatureChecks({ algorithm, publicKeyFile }: Credentials): string {
  return `
  http-request deny deny_status 401 unless { http_auth_bearer -m found }
  http-request set-var(txn.alg) http_auth_bearer,jwt_header_query('$.alg')
  http-request deny deny_status 401 unless { var(txn.alg) -m str ${algorithm} }
  http-request deny deny_status 401 unless { http_auth_bearer,jwt_verify(txn.alg,"${publicKeyFile}") -m int 1 }`
}

function configuration(context: PeerContext, port: number, checks: Checks): string {
  const signature = checks === 'nothing' ? '' : signatureChecks(context.credentials)
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
  bind 127.0.0.1:${port}${signature}${checks === 'claims' ? CLAIM_CHECKS : ''}
  default_backend upstream
backend upstream
  server one 127.0.0.1:${context.upstreamPort}
`
}

function createHaproxyPeer(name: string, work: string, checks: Checks): Peer {
  return {
    name,
    work,
    decides: false,
    async start(context) {
      const version = installedVersion('haproxy', '-v', /version (\S+)/)
      if (version === null) return skipped('haproxy', 'not installed')
      if (context.credential !== 'jwt' && checks !== 'nothing')
        return skipped('haproxy', 'verifies JWTs only')
      const port = await reservePort()
      const file = join(context.folder, `${name}.cfg`)
      writeFileSync(file, configuration(context, port, checks))
      const started = await startProcess('haproxy', ['-db', '-f', file], port)
      return { status: 'running', port, version: `HAProxy ${version}`, ...started }
    },
  }
}

/** The gateway's work as HAProxy's users write it down: what the speed figures are ratios to. */
export const haproxyPeer = createHaproxyPeer(
  'haproxy',
  'jwt_verify; checks alg, iss, aud and exp, sets X-User-Id, removes Authorization',
  'claims',
)

/** The lightest configuration that verifies a signature, for comparison. Not the same work. */
export const haproxySignatureOnlyPeer = createHaproxyPeer(
  'haproxy-signature-only',
  'jwt_verify and alg only: checks no claim, not even exp; sets no identity header',
  'signature',
)

/** What the way through HAProxy costs by itself. */
export const haproxyPlainPeer = createHaproxyPeer(
  'haproxy-plain',
  'passes everything through, Authorization included; no authentication',
  'nothing',
)
