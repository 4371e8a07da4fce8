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

function lists(headers: HeaderList, name: string, word: string): boolean {
  return listHas(joinedValues(headers, name), word)
}
