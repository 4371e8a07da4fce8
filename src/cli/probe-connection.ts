/** Opens one connection to another system, for `check --online`, and looks at its certificate. */
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { EgressProxies } from '../http/egress-proxy.ts'
import { afterListening } from '../resilience/deadline.ts'
import { openTunnel } from '../resilience/egress-tunnel.ts'
import { failureOf } from '../resilience/outbound-failure.ts'
import { type OutboundPath, tlsOptionsOf } from '../resilience/outbound-path.ts'
import { systemClock } from '../runtime/clock.ts'
import { describeCall, describeCause } from './describe-call.ts'

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
const NO_TUNNEL = 'the egress proxy does not connect'

/** How another system is reached. */
export interface ProbedWay {
  readonly path: OutboundPath
  /** That TLS asks for and the certificate must have; `null`: that of the origin. */
  readonly serverName: string | null
}

/**
 * Connects, does the handshake where the origin is https, and hangs up. Sends no request. Verifies
 * the certificate as requests do. Never rejects.
 *
 * @param way Where there is a proxy, that is asked for a connection to it.
 */
export async function probeConnection(
  origin: string,
  timeoutMs: number,
  way: ProbedWay,
): Promise<ConnectionProbe> {
  const { path, serverName } = way
  const url = new URL(origin)
  const isTls = url.protocol === 'https:'
  const port = Number(url.port) || (isTls ? HTTPS_PORT : HTTP_PORT)
  const proxy = isTls ? new EgressProxies(path.proxies).proxyOf(url) : null
  try {
    const tunnel = proxy === null ? null : await openTunnel(proxy, url, timeoutMs)
    return await probe(url, port, { isTls, tunnel, path, serverName }, timeoutMs)
  } catch (error) {
    return { ok: false, reason: describeCall({ ...failureOf(error), status: null }, NO_TUNNEL) }
  }
}

interface ProbedConnection extends ProbedWay {
  readonly isTls: boolean
  readonly tunnel: Socket | null
}

function probe(
  { hostname }: URL,
  port: number,
  { isTls, tunnel, path, serverName }: ProbedConnection,
  timeoutMs: number,
): Promise<ConnectionProbe> {
  const host = hostname.replace(/^\[|\]$/g, '')
  const name = serverName ?? host
  const servername = isIP(name) === 0 ? name : ''
  const target = tunnel === null ? { host, port } : { socket: tunnel, host }
  return new Promise((resolve) => {
    const socket: Socket = isTls
      ? connectTls({ ...target, ...tlsOptionsOf(path), servername })
      : connect({ host, port })
    const settle = (result: ConnectionProbe): void => {
      cancel()
      socket.destroy()
      resolve(result)
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
  return describeCause('code' in error ? String(error.code) : '')
}
