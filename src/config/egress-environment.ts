/** The variables that name an egress proxy, as other programs read them. */
import {
  type EgressProxySettings,
  NO_EGRESS_PROXY,
  NO_PROXY_PROBLEM,
  PROXY_URL_PROBLEM,
  parseNoProxy,
  parseProxyUrl,
} from '../http/egress-proxy.ts'
import type { SettingProblem } from './config-error.ts'
import type { Environment } from './interpolate.ts'

/** The rows of the manual: each also in small letters, which win. */
export const PROXY_VARIABLES = [
  {
    name: 'HTTPS_PROXY',
    meaning:
      'URL of an HTTP proxy, perhaps with user and password, through which the gateway calls ' +
      'issuers and the webhook of security events when they are asked over https. ' +
      '`issuers.<name>.proxy` wins. Never for upstreams, Redis and loopback.',
  },
  { name: 'HTTP_PROXY', meaning: 'The same for what is asked over plain http.' },
  {
    name: 'NO_PROXY',
    meaning:
      'What is called without the proxy: host names (with all below them), IP addresses and CIDR ' +
      'ranges (only for URLs with an address), each with `:port` if need be, separated by commas; ' +
      '`*`: everything.',
  },
] as const

type ProxyVariable = (typeof PROXY_VARIABLES)[number]['name']

/** A bad variable is a problem that names it and repeats nothing of it: it may hold a password. */
export function readProxies(
  environment: Environment,
  problems: SettingProblem[],
): EgressProxySettings {
  const proxy = (name: ProxyVariable): string | null => {
    const text = variable(environment, name)
    if (text === '') return null
    if (parseProxyUrl(text) !== null) return text
    problems.push({ path: [name], message: PROXY_URL_PROBLEM })
    return null
  }
  const https = proxy('HTTPS_PROXY')
  const http = proxy('HTTP_PROXY')
  // Without a proxy it says nothing, so nothing in it can be wrong.
  if (https === null && http === null) return NO_EGRESS_PROXY
  const noProxy = parseNoProxy(variable(environment, 'NO_PROXY'))
  if (noProxy === null) problems.push({ path: ['NO_PROXY'], message: NO_PROXY_PROBLEM })
  return { https, http, noProxy: noProxy ?? [] }
}

/** Set but empty counts: that is how one of them is switched off. */
function variable(environment: Environment, name: ProxyVariable): string {
  return environment[name.toLowerCase()] ?? environment[name] ?? ''
}
