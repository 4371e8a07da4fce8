/**
 * Hot path: which of a client's fields the HTTP client library gets to see, and which go around it.
 *
 * The library checks and copies the fields of a request one by one, at 0.35 to 0.5 µs each. The
 * server has checked every name and value already (server/request-snapshot.ts), so they go in as
 * one text with the gateway's own fields (gateway-fields.ts). Only what the library frames a
 * request by goes through it.
 */
import type { HeaderList } from '../http/header-list.ts'

/** What an upstream gets for `Host`: what the client sent, its own name, or a text. */
export type UpstreamHost =
  | { readonly kind: 'client' | 'target' }
  | { readonly kind: 'name'; readonly name: string }

/** The name of a text for `Host`, without its port; `null`: it is not a text. */
export function nameOfHost(host: UpstreamHost): string | null {
  return host.kind === 'name' ? host.name.replace(/:[0-9]+$/, '') : null
}

const CLIENTS_HOST: UpstreamHost = { kind: 'client' }

/** The fields of one request, in two parts. */
export interface RequestFields {
  /** `Host` and `Content-Length`, as a list. Without `Host` the library writes the target's. */
  readonly framing: string[]
  /** All others: CRLF and `name: value` for each. */
  readonly lines: string
}

/**
 * Does *not* check anything: names must be tokens, and values hold no CR, LF or NUL. Of what the
 * server hands up (`RequestHead`) both hold.
 *
 * @param fields From `requestHeaders`: without hop-by-hop fields. Names in lower case.
 */
export function splitRequestFields(
  fields: HeaderList,
  host: UpstreamHost = CLIENTS_HOST,
): RequestFields {
  const framing: string[] = []
  let lines = ''
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = fields[index] as string
    const value = fields[index + 1] as string
    if (name === 'content-length') framing.push(name, value)
    else if (name === 'host') {
      if (host.kind === 'client') framing.push(name, value)
      else if (host.kind === 'name') framing.push(name, host.name)
    } else lines += `\r\n${name}: ${value}`
  }
  return { framing, lines }
}
