/** `sallyport check`: what a configuration lets pages of other sites do, and what it does not. */

import type { RouteConfiguration } from '../config/sections/routes/routes.ts'
import { takesTokens } from '../config/sections/routes/takes-tokens.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import { type CorsRules, OPAQUE_ORIGIN } from '../http/cors-policy.ts'
import { isUnsafeMethod } from '../http/methods.ts'
import type { Terminal } from './terminal.ts'

/** None of these is a mistake for certain, so that none fails the check. */
export function warnOfBrowsers(
  { routes, sessions }: GatewayConfiguration,
  terminal: Pick<Terminal, 'printError'>,
): void {
  const allowed = sessions?.allowedOrigins ?? []
  routes.forEach((route, index) => {
    const warn = (setting: string, text: string) =>
      terminal.printError(`warning: routes[${index}].${setting}: ${text} (docs/browsers.md)`)
    if (route.csrf === 'off' && route.authenticate !== 'none') {
      warn(
        'csrf',
        'off: pages of any site can make a browser send requests that change something, with the ' +
          'cookies of its user',
      )
    }
    if (route.cors !== null) warnOfCors(route, route.cors, allowed, warn)
  })
}

function warnOfCors(
  route: RouteConfiguration,
  cors: CorsRules,
  allowed: readonly string[],
  warn: (setting: string, text: string) => void,
): void {
  if (cors.origins.includes(OPAQUE_ORIGIN)) {
    warn(
      'cors.origins',
      'null is the origin of sandboxed frames and local files of any site: all of them may read',
    )
  }
  if (hidesTokens(route, cors)) {
    warn('cors.headers', 'leaves out the header of the token: pages cannot send it')
  }
  const silent = cors.origins.find((origin) => !allowed.includes(origin))
  if (silent !== undefined && sendsChanges(route, cors)) {
    warn(
      'cors.credentials',
      `pages of ${JSON.stringify(silent)} may read, and change nothing by cookie: list them in ` +
        'sessions.allowedOrigins if they should',
    )
  }
}

/** Whether no page can send a token in any place where the route looks for one. */
function hidesTokens(
  { authenticators, credentials }: RouteConfiguration,
  cors: CorsRules,
): boolean {
  if (!takesTokens(authenticators)) return false
  const sent = new Set(cors.headers.map((name) => name.toLowerCase()))
  return credentials.every(({ kind, name }) => kind === 'header' && !sent.has(name.toLowerCase()))
}

/** Whether pages are meant to send what changes something with cookies that the route reads. */
function sendsChanges(route: RouteConfiguration, cors: CorsRules): boolean {
  if (!cors.credentials || route.csrf === 'off') return false
  const readsCookies =
    route.authenticators.includes('session') ||
    route.credentials.some(({ kind }) => kind === 'cookie')
  return readsCookies && cors.methods.some(isUnsafeMethod)
}
