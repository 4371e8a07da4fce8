/** Reads addresses and hosts that settings name, by their form. No name is ever looked up. */
import { isIP } from 'node:net'

const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/

export const HOST_PROBLEM = 'must be an IP address or a host name'

/** An address or a host name to listen on, in lower case; `null` when it is neither. */
export function listenHost(value: string): string | null {
  const host = value.toLowerCase()
  return isIP(host) !== 0 || HOST_NAME.test(host) ? host : null
}

/** A host to match, or `*.` and a host for every host below it; in lower case. */
export function hostPattern(value: string): string | null {
  const host = value.toLowerCase()
  return HOST_NAME.test(host.startsWith('*.') ? host.slice(2) : host) ? host : null
}

/** A host or address and a port; `null` when it is not that. */
export function hostAndPort(
  value: string,
): { readonly host: string; readonly port: number } | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(value)
  const host = listenHost(match?.[1] ?? match?.[2] ?? '')
  const port = Number(match?.[3] ?? 0)
  return host === null || port < 1 || port > 65_535 ? null : { host, port }
}
