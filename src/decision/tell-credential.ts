/** Tells a trace where a credential was looked for, and what was known of it already. */
import type { CredentialExtractor, Extraction } from '../credentials/extract-credential.ts'
import { isForKnownSites } from '../http/cross-site-request.ts'
import { fieldValue } from '../http/header-list.ts'
import { REFUSAL_REASONS } from '../protocol/refusal-reason.ts'
import { counted, quoted, type Trace } from '../protocol/trace.ts'
import type { Verdict } from '../verifiers/authenticator.ts'
import type { RequestFacts, RequestOrigin } from './decision.ts'
import type { AuthenticationMethod, RouteRules } from './revision.ts'

/** Told by name. Anything else in their place may be a part of the credential. */
const SCHEME = /^(apikey|basic|bearer|digest|dpop|hawk|negotiate|ntlm|token)(?=\s)/i

export function tellCredential(
  trace: Trace,
  extractor: CredentialExtractor,
  { headers }: RequestFacts,
  found: Extraction,
): void {
  const places = extractor.places.join(', ')
  if (found === null) {
    trace.tell('credential', 'note', `none in ${places}${otherScheme(headers, places)}`)
  } else if (typeof found === 'string') {
    const length = counted(found.length, 'character')
    trace.tell('credential', 'ok', `found in ${places}: ${length}`)
  } else trace.tell('credential', 'no', `in ${places}: ${REFUSAL_REASONS[found.reason].meaning}`)
}

/** A credential with the wrong scheme, or without one, is the likeliest reason for "none". */
function otherScheme(headers: readonly string[], places: string): string {
  const authorization = places.includes('authorization')
    ? fieldValue(headers, 'authorization')
    : null
  if (authorization === null) return ''
  const scheme = SCHEME.exec(authorization)?.[1]
  const has = scheme === undefined ? 'has no usual scheme' : `has the scheme ${quoted(scheme)}`
  return `; the Authorization header ${has}`
}

/** Whether the request could have been sent by a page of another site. */
export function tellSite(
  trace: Trace,
  { facts: { method, headers }, origin: own, route }: SiteQuestion,
  { extractor }: AuthenticationMethod,
  isForged: boolean,
): void {
  if (!isForKnownSites(method, headers) || !extractor.isFromCookie(headers)) return
  if (!route.checksSite) {
    trace.tell('origin', 'note', `${method} by cookie: the route has csrf: off`)
    return
  }
  const origin = fieldValue(headers, 'origin')
  const site = fieldValue(headers, 'sec-fetch-site')
  const says = `Origin ${origin === null ? 'absent' : quoted(origin)}, Sec-Fetch-Site ${
    site === null ? 'absent' : quoted(site)
  }`
  const verdict = isForged ? 'no site that is allowed' : 'a site that is allowed'
  const isAt = `the gateway is at ${own.publicOrigin}`
  const text = `${method} by cookie from ${verdict}: ${says}; ${isAt}`
  trace.tell('origin', isForged ? 'no' : 'ok', text)
}

interface SiteQuestion {
  readonly facts: RequestFacts
  readonly origin: Pick<RequestOrigin, 'publicOrigin'>
  readonly route: Pick<RouteRules, 'checksSite'>
}

/** @param cached `null`: nothing is known, or nothing is ever cached of such a credential. */
export function tellCached(trace: Trace, cached: Verdict | null): void {
  if (cached === null) trace.tell('cache', 'note', 'no verdict is cached')
  else if (cached.kind === 'refused') {
    trace.tell('cache', 'no', `a refusal is cached (${cached.reason}), for seconds`)
  } else trace.tell('cache', 'note', 'a verdict is cached and decides; verified anew all the same')
}

/** What is cached, and what would be found out now, say different things. */
export function tellDifference(trace: Trace, cached: Verdict, anew: Verdict): void {
  if (wordOf(cached) === wordOf(anew)) return
  const text = `the cached verdict is "${wordOf(cached)}", a new one would be "${wordOf(anew)}"`
  trace.tell('cache', 'no', `${text}: requests get the cached one until it ends`)
}

function wordOf(verdict: Verdict): string {
  return verdict.kind === 'refused' ? verdict.reason : verdict.kind
}
