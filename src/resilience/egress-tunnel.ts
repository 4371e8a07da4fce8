/**
 * Connections through an egress proxy (RFC 9110 §9.3.6): the proxy is asked for a connection to the
 * target, and what is sent over it afterwards is between us and the target, TLS included.
 *
 * Not left to the client library: its agent for proxies waits five minutes for a proxy that hangs,
 * takes only the status 200, sends no credentials that are a user name alone, and tells a proxy
 * that refuses by text alone.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import type { EgressProxy } from '../http/egress-proxy.ts'
import { ProxyRefusal, ProxyUnreachable } from './outbound-failure.ts'
import { USER_AGENT } from './product.ts'

const HEAD_BYTES_MAX = 16 * 1_024
/** Not written in a URL, and always in the request for a tunnel. */
const HTTPS_PORT = 443

/**
 * Asks for a connection. The certificate of a proxy that is spoken to over TLS is verified by the
 * usual authorities.
 *
 * @param url Of the target, with https: its host and port are asked for. The name is the proxy's to
 *   look up.
 * @param timeoutMs Until the proxy has said yes, connecting to it included.
 * @param signal Gives up at once, and cuts the connection.
 * @throws (rejects) ProxyRefusal or ProxyUnreachable.
 */
export function openTunnel(
  proxy: EgressProxy,
  url: URL,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Socket> {
  const target = url.port === '' ? `${url.hostname}:${HTTPS_PORT}` : url.host
  return new Promise((resolve, reject) => {
    const request = (proxy.isTls ? httpsRequest : httpRequest)({
      host: proxy.host,
      port: proxy.port,
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...proxyFields(proxy) },
      agent: false,
      maxHeaderSize: HEAD_BYTES_MAX,
      ...(signal === undefined ? {} : { signal }),
      ...(proxy.isTls ? { rejectUnauthorized: true } : {}),
    })
    const timer = setTimeout(() => request.destroy(TIMED_OUT), timeoutMs)
    request.once('connect', (response: IncomingMessage, socket: Socket, rest: Buffer) => {
      clearTimeout(timer)
      const status = response.statusCode ?? 0
      if (status >= 200 && status <= 299) {
        if (rest.length > 0) socket.unshift(rest)
        resolve(socket)
        return
      }
      // Its error is not worth a word any more, but would end the process unheard.
      socket.on('error', () => {})
      socket.destroy()
      reject(new ProxyRefusal(status))
    })
    request.on('error', (error) => {
      clearTimeout(timer)
      reject(new ProxyUnreachable(error))
    })
    request.end()
  })
}

/** What a proxy is sent beside the request itself. */
export function proxyFields({ authorization }: EgressProxy): Readonly<Record<string, string>> {
  const fields = { 'user-agent': USER_AGENT }
  return authorization === null ? fields : { ...fields, 'proxy-authorization': authorization }
}

const TIMED_OUT: Error = Object.assign(new Error('the egress proxy does not answer'), {
  code: 'ETIMEDOUT',
})
