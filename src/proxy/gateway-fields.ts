/**
 * Hot path: gives the HTTP client library fields that need no check any more, in one piece.
 *
 * undici checks and copies the fields of a request one by one, which costs 0.35 to 0.5 µs a field
 * (native-bench/proxy-dispatch.ts). The dozen fields that the gateway adds are made of checked
 * parts a moment before, and those of the client were checked by the server, so their text goes in
 * as a whole, through the channel on which undici announces a request before it writes it.
 *
 *     dispatch ──► new Request ──► announcement ──► the waiting text is appended ──► written
 *
 * All of this happens within one call. A request that was not announced would reach the upstream
 * without its identity, so it is never written: see forward.ts.
 */
import { subscribe } from 'node:diagnostics_channel'
import type { DispatchEvents } from '../resilience/http-client.ts'
import type { DispatchOptions, UpstreamConnection } from './upstream-connection.ts'

/** The field that all others follow; it is part of every request. */
export const FIRST_OWN_FIELD = 'x-forwarded-for'

/**
 * The value of {@link FIRST_OWN_FIELD}, then CRLF and `name: value` for each further field. Empty:
 * no fields at all. Nothing checks it any more: names are tokens and values hold no CR or LF.
 */
export type GatewayFields = string

const ANNOUNCEMENT = 'undici:request:create'
const NOTHING: GatewayFields = ''

let waiting: GatewayFields = NOTHING

subscribe(ANNOUNCEMENT, (message) => {
  if (waiting === NOTHING) return
  const { headers } = (message as { readonly request: { readonly headers: string[] } }).request
  headers.push(FIRST_OWN_FIELD, waiting)
  waiting = NOTHING
})

/**
 * Dispatches a request with the fields of `options` and then the gateway's own.
 *
 * @returns Whether the fields are in. If not, the request must not be written; a request that the
 *   client library refuses by itself does not have them either.
 */
export function dispatchWithGatewayFields(
  connection: Pick<UpstreamConnection, 'dispatch'>,
  options: DispatchOptions,
  events: DispatchEvents,
  gatewayFields: GatewayFields,
): boolean {
  waiting = gatewayFields
  connection.dispatch(options, events)
  const areIn = waiting === NOTHING
  waiting = NOTHING
  return areIn
}

/** Whether the request that is being dispatched right now still lacks its own fields. */
export function gatewayFieldsAreWaiting(): boolean {
  return waiting !== NOTHING
}
