/** Opens one connection to another system, for `check --online`, and looks at its certificate. */
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterListening } from '../resilience/deadline.ts'
import { systemClock } from '../runtime/clock.ts'

export type ConnectionProbe =
  | {
      readonly ok: true
      /** When the certificate of the peer ends, in milliseconds; `null` without TLS. */
      readonly certificateEndsMs: number | null
    }
  | {
      readonly ok: false
      /** In words that depend on nothing the other side says. */
      readonly reason: string
    }

const DAY_MS = 86_400_000
/** Time to have a certificate renewed by people. */
const SOON_DAYS = 14
const HTTPS_PORT = 443
const HTTP_PORT = 80

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the port is closed',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be looked up',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ETIMEDOUT: 'no answer in time',
  ECONNRESET: 'the connection was lost',
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another host',
}
const TLS_REASON = 'the TLS handshake failed or the certificate is not trusted'

/**
 * Connects, does the handshake where the origin is https, and hangs up. Sends no request. Verifies
 * the certificate as requests do. Never rejects.
 */
export function probeConnection(origin: string, timeoutMs: number): Promise<ConnectionProbe> {
  const { protocol, hostname, port } = new URL(origin)
  const host = hostname.replace(/^\[|\]$/g, '')
  const isTls = protocol === 'https:'
  const target = { host, port: Number(port) || (isTls ? HTTPS_PORT : HTTP_PORT) }
  const servername = isIP(host) === 0 ? host : ''
  return new Promise((resolve) => {
    const socket: Socket = isTls
      ? connectTls({ ...target, servername, rejectUnauthorized: true })
      : connect(target)
    const settle = (probe: ConnectionProbe): void => {
      cancel()
      socket.destroy()
      resolve(probe)
    }
    const cancel = afterListening(timeoutMs, () =>
      settle({ ok: false, reason: 'no answer in time' }),
    )
    socket.on('error', (error) => settle({ ok: false, reason: reasonOf(error) }))
    socket.on('close', () => settle({ ok: false, reason: 'the connection was lost' }))
    if (!isTls) socket.once('connect', () => settle({ ok: true, certificateEndsMs: null }))
    else socket.once('secureConnect', () => settle(certificateOf(socket as TLSSocket)))
  })
}

/** The date, with a warning where it is near. */
export function describeCertificateEnd(endsMs: number): string {
  const day = new Date(endsMs).toISOString().slice(0, 'yyyy-mm-dd'.length)
  const daysLeft = Math.floor((endsMs - systemClock.wallMs()) / DAY_MS)
  if (daysLeft < 0) return `certificate has ended on ${day}`
  const days = `${daysLeft} ${daysLeft === 1 ? 'day' : 'days'}`
  return `certificate until ${day} (${days}${daysLeft < SOON_DAYS ? ': renew it now' : ''})`
}

function certificateOf(socket: TLSSocket): ConnectionProbe {
  return { ok: true, certificateEndsMs: Date.parse(socket.getPeerCertificate().valid_to) }
}

function reasonOf(error: Error): string {
  const code = 'code' in error ? String(error.code) : ''
  return REASONS[code] ?? (/TLS|SSL|CERT|SIGN|EPROTO|UNABLE/.test(code) ? TLS_REASON : code)
}
