/**
 * Decides about a request: route → address → limits → tenant → credential → verdict → revocation →
 * policy → limits of key and tenant.
 * The first refusal wins. Answers a question: writes nothing to anybody, counts nothing, and knows
 * neither an exchange nor whether a refusal will take effect.
 *
 * Hot path: a credential whose verdict is cached is decided about in the same tick, without a
 * promise or a closure; native-bench/decide.ts has the cost.
 */
import { type AddressLists, admitsAddress, hasAddressLists } from '../http/address-lists.ts'
import { isForKnownSites, isFromKnownSite, isFromOwnOrigin } from '../http/cross-site-request.ts'
import { originListOf } from '../http/origin-list.ts'
import type { Trace } from '../protocol/trace.ts'
import { type Identity, type Refused, refuse } from '../protocol/verification.ts'
import { type RevocationKeys, revocationKeysOf } from '../revocation/revocation-key.ts'
import { findRoute } from '../routing/match-route.ts'
import { matchTokenTenant } from '../tenants/match-token-tenant.ts'
import type { Tenant } from '../tenants/tenant.ts'
import { checkTenant } from '../tenants/tenant-registry.ts'
import type { EstablishedIdentity, Verdict } from '../verifiers/authenticator.ts'
import { derivedOf } from '../verifiers/derived-identity.ts'
import { authorize } from './authorize.ts'
import { countAdmission, countArrival } from './count-request.ts'
import type {
  CallerKind,
  Decision,
  PassedDecision,
  RefusedDecision,
  RequestFacts,
  RequestOrigin,
} from './decision.ts'
import { refuseRoute } from './refuse-route.ts'
import type { AuthenticationMethod, Revision, RouteRules, RouteTenants } from './revision.ts'
import { tellCached, tellCredential, tellDifference, tellSite } from './tell-credential.ts'
import { tellPolicy, tellRevocation } from './tell-policy.ts'
import { type ListOwner, tellAddress, tellRoute, tellTenant } from './tell-route.ts'

const DENIED_BY_ROUTE = refuse('address_denied_by_route')
const DENIED_BY_TENANT = refuse('address_denied_by_tenant')
const DENIED_BY_KEY = refuse('address_denied_by_key')
const REPEATED = refuse('credential_repeated')
const CROSS_SITE = refuse('cross_site')
const NO_TENANT = refuse('tenant_absent')
const UNVERIFIED = refuse('unverified_not_permitted')
const NOT_LEARNT = refuse('revocations_not_learnt')
const UNDATED = refuse('revocation_undated')
const REVOKED = refuse('token_revoked')

/** One request on its way through the checks. */
interface Question<Route extends RouteRules> {
  readonly revision: Revision<Route>
  readonly facts: RequestFacts
  readonly origin: RequestOrigin
  readonly route: Route
  /** What the request itself names. */
  readonly tenant: Tenant | null
}

/**
 * The decision, or a promise of it where somebody has to be asked about the credential. The promise
 * settles in bounded time; it rejects for a defect only, never for anything that a client sends.
 *
 * Refusals are those of docs/errors.md that are about the caller. Not checked: what the server
 * refuses before there are facts, and whether an upstream answers.
 */
export function decide<Route extends RouteRules>(
  revision: Revision<Route>,
  facts: RequestFacts,
  origin: RequestOrigin,
): Decision<Route> | Promise<Decision<Route>> {
  const route = findRoute(revision.routes, facts.method, facts.path, facts.host)
  if (origin.trace !== null) tellRoute(origin.trace, revision.routes, facts, route)
  if (route === null || typeof route === 'string') {
    return refused(null, null, refuseRoute(revision.routes, facts, route), null)
  }
  if (isDenied(route, 'route', origin)) return refused(route, null, DENIED_BY_ROUTE, null)
  if (route.limits === null) return decideByTenant(revision, facts, origin, route)
  const limited = countArrival(origin.limitedBy(route.limits), facts, origin)
  if (limited instanceof Promise) {
    return limited.then((refusal) => {
      if (refusal !== null) return refused(route, null, refusal, null)
      return decideByTenant(revision, facts, origin, route)
    })
  }
  if (limited !== null) return refused(route, null, limited, null)
  return decideByTenant(revision, facts, origin, route)
}

function decideByTenant<Route extends RouteRules>(
  revision: Revision<Route>,
  facts: RequestFacts,
  origin: RequestOrigin,
  route: Route,
): Decision<Route> | Promise<Decision<Route>> {
  const tenant = route.tenants === null ? null : requestedTenant(route.tenants, facts)
  if (origin.trace !== null) tellTenant(origin.trace, route.tenants, facts, tenant)
  if (tenant?.kind === 'refused') return refused(route, null, tenant, null)
  if (tenant !== null && isDenied(tenant, 'tenant', origin)) {
    return refused(route, tenant, DENIED_BY_TENANT, null)
  }
  const nowSeconds = revision.clock.nowSeconds()
  const question = { revision, facts, origin, route, tenant }
  if (route.authentication !== 'none') return decideByCredential(question, 0, nowSeconds)
  return counted(question, passed(route, tenant, 'anonymous', null, nowSeconds), null)
}

/**
 * Whether lists do not admit the address of the client. Without lists it is not asked for.
 *
 * @param whose For a trace.
 */
function isDenied(lists: AddressLists, whose: ListOwner, origin: RequestOrigin): boolean {
  if (!hasAddressLists(lists)) return false
  const isAdmitted = admitsAddress(lists, origin.clientAddress)
  if (origin.trace !== null) tellAddress(origin.trace, lists, whose, origin, isAdmitted)
  return !isAdmitted
}

/**
 * The tenant that the request names, `null` when it names none and may yet, or why it is refused:
 * `tenant_not_identified`, `tenant_not_found`, `tenant_suspended`, `invalid_request`.
 */
function requestedTenant(
  { resolver, registry, policy }: RouteTenants,
  { host, path, headers }: RequestFacts,
): Tenant | null | Refused {
  const isRequired = policy.required && !policy.readsClaim
  return checkTenant(resolver.resolve(host, path, headers), registry, isRequired)
}

/**
 * Looks for credentials in the order of the route: the first that is there decides.
 *
 * @param first Methods before this one have found none.
 */
function decideByCredential<Route extends RouteRules>(
  question: Question<Route>,
  first: number,
  nowSeconds: number,
): Decision<Route> | Promise<Decision<Route>> {
  const { facts, origin, route, tenant } = question
  for (let index = first; index < route.methods.length; index += 1) {
    const { extractor } = route.methods[index] as AuthenticationMethod
    const credential = extractor.extract(facts.headers, facts.query)
    if (origin.trace !== null) tellCredential(origin.trace, extractor, facts, credential)
    if (credential === null) continue
    if (typeof credential !== 'string') return refused(route, tenant, credential, null)
    if (isAmbiguousBehind(route, index, facts)) return refused(route, tenant, REPEATED, null)
    return decideByVerdict(question, index, credential, nowSeconds)
  }
  if (route.authentication !== 'optional') {
    return refused(route, tenant, refuse(route.absent), null)
  }
  if (tenant === null && route.tenants?.policy.required === true) {
    return refused(route, tenant, NO_TENANT, null)
  }
  return counted(question, passed(route, tenant, 'anonymous', null, nowSeconds), null)
}

/**
 * Whether the request carries two credentials of a kind that does not decide. It is refused all the
 * same: what is behind us may read one of them.
 */
function isAmbiguousBehind(route: RouteRules, decided: number, facts: RequestFacts): boolean {
  for (let index = decided + 1; index < route.methods.length; index += 1) {
    const other = route.methods[index]?.extractor.extract(facts.headers, facts.query) ?? null
    if (other !== null && typeof other !== 'string' && other.code === 'invalid_request') return true
  }
  return false
}

function decideByVerdict<Route extends RouteRules>(
  question: Question<Route>,
  index: number,
  credential: string,
  nowSeconds: number,
): Decision<Route> | Promise<Decision<Route>> {
  const { origin, route, tenant } = question
  if (route.limits !== null) origin.limitedBy(route.limits).presents(credential)
  const method = route.methods[index] as AuthenticationMethod
  const isForgery = isForged(question, method)
  if (origin.trace !== null) tellSite(origin.trace, question, method, isForgery)
  if (isForgery) return refused(route, tenant, CROSS_SITE, null)
  if (origin.trace !== null) return decideTold(question, index, credential, origin.trace)

  const verdict = method.authenticator.recall(credential, nowSeconds)
  if (verdict !== null) return conclude(question, index, credential, verdict, nowSeconds)

  const limited = route.limits === null ? null : origin.limitedBy(route.limits).validate()
  if (limited instanceof Promise) {
    return limited.then((refusal) => {
      if (refusal !== null) return refused(route, tenant, refusal, null)
      return decideByEstablishing(question, index, credential)
    })
  }
  if (limited !== null) return refused(route, tenant, limited, null)
  return decideByEstablishing(question, index, credential)
}

async function decideByEstablishing<Route extends RouteRules>(
  question: Question<Route>,
  index: number,
  credential: string,
): Promise<Decision<Route>> {
  const { revision, route } = question
  const { authenticator } = route.methods[index] as AuthenticationMethod
  const verdict = await authenticator.establish(credential, null)
  return conclude(question, index, credential, verdict, revision.clock.nowSeconds())
}

/**
 * The same for a trace. What is known decides, as it would for a request; the credential is
 * verified anew all the same, so that the trace is told of it.
 */
async function decideTold<Route extends RouteRules>(
  question: Question<Route>,
  index: number,
  credential: string,
  trace: Trace,
): Promise<Decision<Route>> {
  const { revision, origin, route, tenant } = question
  const { authenticator, isApiKey } = route.methods[index] as AuthenticationMethod
  const known = authenticator.peek(credential, revision.clock.nowSeconds())
  // Of an API key the configuration tells, and nothing is cached.
  tellCached(trace, isApiKey ? null : known)
  if (known === null && route.limits !== null) {
    const limited = await origin.limitedBy(route.limits).validate()
    if (limited !== null) return refused(route, tenant, limited, null)
  }
  const anew = await authenticator.establish(credential, trace)
  if (known !== null) tellDifference(trace, known, anew)
  return conclude(question, index, credential, known ?? anew, revision.clock.nowSeconds())
}

/** Whether a page of a foreign site may have made the browser send this. */
function isForged<Route extends RouteRules>(
  { facts, origin, route, tenant }: Question<Route>,
  { extractor }: AuthenticationMethod,
): boolean {
  if (!route.checksSite || !extractor.readsCookies) return false
  if (!isForKnownSites(facts.method, facts.headers)) return false
  if (!extractor.isFromCookie(facts.headers)) return false
  if (isFromKnownSite(facts.headers, route.allowedOrigins)) return false
  if (isFromOwnOrigin(facts.headers, origin.publicOrigin)) return false
  return tenant === null || !isFromKnownSite(facts.headers, originListOf(tenant.allowedOrigins))
}

/** What a verdict means on this route: the policy is the route's, so no verdict contains it. */
function conclude<Route extends RouteRules>(
  question: Question<Route>,
  index: number,
  credential: string,
  verdict: Verdict,
  nowSeconds: number,
): Decision<Route> | Promise<Decision<Route>> {
  const { route, tenant } = question
  if (verdict.kind === 'refused') {
    // Neither a session that cannot be read, nor a cookie of another application, keeps anybody
    // from what anybody may see.
    const isNone = verdict.code === 'no_session' || verdict.reason === 'session_cookie_foreign'
    if (!isNone || route.authentication !== 'optional') {
      return refused(route, tenant, verdict, null)
    }
    return decideByCredential(question, index + 1, nowSeconds)
  }
  if (verdict.kind === 'unverified') {
    // A caller that is not known has no scope that a route could ask for.
    if (route.requiresNothing) {
      return counted(question, passed(route, tenant, 'unverified', null, nowSeconds), null)
    }
    return refused(route, tenant, UNVERIFIED, null)
  }
  // A valid session without a user counts as no credential.
  if (verdict.kind === 'anonymous') return decideByCredential(question, index + 1, nowSeconds)
  const decision = decideByIdentity(question, verdict, nowSeconds)
  if (decision.kind === 'refused') return decision
  const isApiKey = (route.methods[index] as AuthenticationMethod).isApiKey
  return counted(question, decision, isApiKey ? credential : null)
}

/**
 * The decision, once the request is counted for its tenant and its API key: only those that pass
 * are, so that bad credentials use up nothing that belongs to others.
 */
function counted<Route extends RouteRules>(
  { revision, origin, route }: Question<Route>,
  decision: PassedDecision<Route>,
  apiKey: string | null,
): Decision<Route> | Promise<Decision<Route>> {
  const { tenant, established } = decision
  const ownRate = established?.terms?.rate ?? null
  if (route.limits === null && ownRate === null && (tenant?.rate ?? null) === null) return decision
  const limited = countAdmission(revision.limiter, origin, {
    limits: route.limits,
    tenant,
    isOfTenant: established !== null,
    apiKey,
    ownRate,
  })
  const identity = established?.verified.identity ?? null
  if (limited instanceof Promise) {
    return limited.then((refusal) => {
      return refusal === null ? decision : refused(route, tenant, refusal, identity)
    })
  }
  return limited === null ? decision : refused(route, tenant, limited, identity)
}

function decideByIdentity<Route extends RouteRules>(
  { revision, facts, origin, route, tenant }: Question<Route>,
  established: EstablishedIdentity,
  nowSeconds: number,
): Decision<Route> {
  const { identity } = established.verified
  const derived = derivedOf(established)
  derived.revocation ??= revocationKeysOf(identity)
  const keys = derived.revocation
  // Asked on every request, cached verdict or not: one load as long as nothing is new.
  const isRevoked = revision.revocations.isRevoked(keys, nowSeconds)
  if (origin.trace !== null) tellRevocation(origin.trace, isRevoked)
  if (isRevoked) {
    return refused(route, tenant, revocationOf(revision, identity, keys, nowSeconds), identity)
  }
  if (!revision.learntRevocations.areLearnt) return refused(route, tenant, NOT_LEARNT, identity)
  const { terms } = established
  if (terms !== null && isDenied(terms, 'API key', origin)) {
    return refused(route, tenant, DENIED_BY_KEY, identity)
  }
  const served =
    route.tenants === null
      ? tenant
      : matchTokenTenant(tenant, identity, route.tenants.registry, route.tenants.policy)
  if (served?.kind === 'refused') return refused(route, tenant, served, identity)
  // The claim has named it, or its record was replaced while the credential was being verified.
  if (served !== null && served !== tenant && isDenied(served, 'tenant', origin)) {
    return refused(route, served, DENIED_BY_TENANT, identity)
  }
  const unauthorised = authorize(identity, route.requirement, facts)
  if (origin.trace !== null) tellPolicy(origin.trace, identity, route.requirement, facts, served)
  if (unauthorised !== null) return refused(route, served, unauthorised, identity)
  return passed(route, served, 'established', established, nowSeconds)
}

/**
 * What becomes of a revoked credential. A revocation of all before an instant decides nothing about
 * one that does not say when it was issued, as long as its first sight cannot be told.
 */
function revocationOf<Route extends RouteRules>(
  { revocations }: Revision<Route>,
  { issuedAtSeconds, issuer, sessionId }: Identity,
  keys: RevocationKeys,
  nowSeconds: number,
): Refused {
  // An API key has none of the three, and is revoked with its user whenever it was made.
  const isUndated = issuedAtSeconds === null && (issuer !== '' || sessionId !== null)
  return isUndated && !revocations.isRevokedWhenever(keys, nowSeconds) ? UNDATED : REVOKED
}

function passed<Route>(
  route: Route,
  tenant: Tenant | null,
  caller: CallerKind,
  established: EstablishedIdentity | null,
  decidedAtSeconds: number,
): PassedDecision<Route> {
  return {
    kind: 'passed',
    route,
    tenant,
    caller,
    established,
    decidedAtSeconds,
    leaseEndsAtSeconds: established === null ? Number.POSITIVE_INFINITY : leaseEnd(established),
  }
}

/**
 * The credential's own end. A verdict about one that names no end must be renewed, and ends before;
 * one that is renewed sooner than its credential ends does not end the stream.
 */
function leaseEnd({ verified }: EstablishedIdentity): number {
  return Math.max(verified.deadAtSeconds, verified.identity.expiresAtSeconds ?? 0)
}

function refused<Route>(
  route: Route | null,
  tenant: Tenant | null,
  refusal: Refused,
  identity: Identity | null,
): RefusedDecision<Route> {
  return { kind: 'refused', route, tenant, refusal, identity }
}
