/** Tells handshakes of web sockets from other requests with `Upgrade`, which ask nothing here. */
import { type HeaderList, joinedValues, listHas } from './header-list.ts'

/**
 * Whether this is a client's opening handshake (RFC 6455 §4.1). A request in which `Connection`
 * does not name `Upgrade` is none: nothing is asked of this connection then (RFC 9110 §7.8).
 */
export function isWebSocketHandshake(method: string, headers: HeaderList): boolean {
  if (method !== 'GET') return false
  return lists(headers, 'upgrade', 'websocket') && lists(headers, 'connection', 'upgrade')
}

/**
 * Whether a browser sends this to open a web socket: it sends these fields with nothing else, and
 * no page can. Over HTTP/2 and HTTP/3 there is no key (RFC 8441 §5, RFC 9220 §3), nor when a proxy
 * tells of such a request as one of HTTP/1.1.
 */
export function opensWebSocket(headers: HeaderList): boolean {
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]
    if (name === 'sec-websocket-key' || name === 'sec-websocket-version') return true
  }
  return false
}

function lists(headers: HeaderList, name: string, word: string): boolean {
  return listHas(joinedValues(headers, name), word)
}
