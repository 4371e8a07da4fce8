/**
 * Hot path: finds the tenant that a request names, or says why there is no single one.
 *
 * All places are looked at, not only the first that names somebody: where two of them disagree the
 * gateway would check one tenant and the upstream might serve the other. Names are compared as they
 * are. Only hosts are case-insensitive (RFC 9110 §4.2.3), and they arrive in lower case; anywhere
 * else `ACME` is not the tenant `acme`, and nothing is decoded or trimmed to make it so.
 */
import type { HeaderList } from '../http/header-list.ts'
import {
  compareReadings,
  foldCase,
  pathReadings,
  READ_ALIKE,
  READ_IN_ANY_CASE,
} from '../http/lenient-path.ts'
import { type Refused, refuse } from '../protocol/verification.ts'
import { compileTenantRules, type TenantRule, type TenantSource } from './compile-tenant.ts'
import { type TenantId, tenantIdBetween } from './tenant.ts'

/** A well-formed name; `null` when the request names no tenant; or why it is refused. */
export type RequestedTenant = TenantId | null | Refused

const AMBIGUOUS = refuse('tenant_contradictory')
const MALFORMED = refuse('tenant_name_malformed')

const CODE_DOT = 0x2e
/** No tenant in this path. */
const NOWHERE = -1

/** Reads the tenant out of requests, from the places that the configuration lists. */
export class TenantResolver {
  /** Whether the claim of a token names the tenant when nothing in the request does. */
  readonly readsClaim: boolean
  /** The places in a request, in words. */
  readonly places: readonly string[]
  readonly #sources: readonly TenantSource[]

  /** @param rules In order of precedence, which shows only in which failure is found first. */
  constructor(rules: readonly TenantRule[]) {
    const { inRequest, includesClaim } = compileTenantRules(rules)
    this.readsClaim = includesClaim
    this.#sources = inRequest
    this.places = rules.flatMap(placesOf)
  }

  /**
   * The first failure, in configured order, ends it:
   *
   * - a place that names something other than a well-formed name, or nothing where a name belongs
   *   (`/tenants/`, an empty header): `tenant_not_found`. It is never passed over;
   * - two places with different names, a repeated header, or a path that only a lenient reader
   *   finds a tenant in (`/Tenants/acme/`, `/tenants;x/acme/`): `invalid_request`.
   *
   * Does not check that the tenant exists: `checkTenant` does.
   *
   * @param host Without port, in lower case, without a dot at its end.
   * @param path Canonical (http/canonical-path.ts).
   * @param headers As the client sent them: before anything is removed.
   */
  resolve(host: string, path: string, headers: HeaderList): RequestedTenant {
    let found: TenantId | null = null
    for (let index = 0; index < this.#sources.length; index += 1) {
      const source = this.#sources[index]
      if (source === undefined) continue
      const named = fromSource(source, host, path, headers, found)
      if (named === null) continue
      if (typeof named !== 'string') return named
      if (found !== null && named !== found) return AMBIGUOUS
      found = named
    }
    return found
  }
}

function placesOf(rule: TenantRule): readonly string[] {
  if (rule.from === 'claim') return []
  return [`${rule.from} ${rule.from === 'header' ? rule.name : rule.pattern}`]
}

function fromSource(
  source: TenantSource,
  host: string,
  path: string,
  headers: HeaderList,
  known: TenantId | null,
): RequestedTenant {
  switch (source.kind) {
    case 'subdomain':
      return fromHost(host, source.text, known)
    case 'path':
      return fromPath(path, source, known)
    case 'header':
      return fromHeaders(headers, source.text, known)
  }
}

/** The domain itself names no tenant; two labels in front of it are no name. */
function fromHost(host: string, suffix: string, known: TenantId | null): RequestedTenant {
  // One dot of the root is gone already; a reader that removes all of them sees another host.
  if (host.charCodeAt(host.length - 1) === CODE_DOT) return AMBIGUOUS
  if (!host.endsWith(suffix)) return null
  return nameBetween(host, 0, host.length - suffix.length, known)
}

/** An upstream that reads paths less strictly must find the same tenant, or none as well. */
function fromPath(
  path: string,
  { segments, foldedSegments }: TenantSource,
  known: TenantId | null,
): RequestedTenant {
  const named = namedInPath(path, segments, known)
  if (named !== null && typeof named !== 'string') return named
  const comparison = compareReadings(path)
  if (comparison === READ_ALIKE) return named
  const readings = comparison === READ_IN_ANY_CASE ? [path] : pathReadings(path)
  const isClear = readings?.every((it) => namedInPath(foldCase(it), foldedSegments, null) === named)
  return isClear === true ? named : AMBIGUOUS
}

function namedInPath(
  path: string,
  segments: readonly string[],
  known: TenantId | null,
): RequestedTenant {
  const start = tenantStart(path, segments)
  if (start === NOWHERE) return null
  const slash = path.indexOf('/', start)
  return nameBetween(path, start, slash === -1 ? path.length : slash, known)
}

function fromHeaders(headers: HeaderList, name: string, known: TenantId | null): RequestedTenant {
  let value: string | null = null
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] !== name) continue
    if (value !== null) return AMBIGUOUS
    value = headers[index + 1] ?? ''
  }
  return value === null ? null : nameBetween(value, 0, value.length, known)
}

/** @param known Comes back, and nothing is allocated, when it is what stands there. */
function nameBetween(
  text: string,
  start: number,
  end: number,
  known: TenantId | null,
): TenantId | Refused {
  if (known !== null && end - start === known.length && text.startsWith(known, start)) return known
  return tenantIdBetween(text, start, end) ?? MALFORMED
}

/** Index of the segment that names the tenant, or {@link NOWHERE}. */
function tenantStart(path: string, segments: readonly string[]): number {
  let start = 1
  for (let index = 0; index < segments.length; index += 1) {
    const segment = segments[index] ?? ''
    const end = path.indexOf('/', start)
    // `/tenants` itself is above all tenants.
    if (end === -1) return NOWHERE
    if (segment !== '*' && !isSame(path, start, end, segment)) return NOWHERE
    start = end + 1
  }
  return start
}

function isSame(path: string, start: number, end: number, segment: string): boolean {
  return end - start === segment.length && path.startsWith(segment, start)
}
