/** Turns the configured places where a tenant may be named into something a request only walks. */
import { foldCase, pathReadings } from '../http/lenient-path.ts'
import { assertInvariant } from '../runtime/assert-invariant.ts'
import { TENANT_PLACE } from './tenant-grammar.ts'

/** One place where a tenant may be named. Patterns were checked: see tenant-grammar.ts. */
export type TenantRule =
  | { readonly from: 'subdomain'; readonly pattern: string }
  | { readonly from: 'path'; readonly pattern: string }
  /** Name in lower case. */
  | { readonly from: 'header'; readonly name: string }
  | { readonly from: 'claim' }

/** A place in the request, compiled. One shape for all kinds. */
export interface TenantSource {
  readonly kind: 'subdomain' | 'path' | 'header'
  /** `subdomain`: what follows the tenant, dot included. `header`: the name. Otherwise empty. */
  readonly text: string
  /** `path`: the segments in front of the tenant's, `*` for any one. Otherwise empty. */
  readonly segments: readonly string[]
  /** The same in the spelling of readings of a path: http/lenient-path.ts. */
  readonly foldedSegments: readonly string[]
}

export interface TenantSources {
  /** In configuration order. */
  readonly inRequest: readonly TenantSource[]
  /** Whether the claim of a token names the tenant when nothing in the request does. */
  readonly includesClaim: boolean
}

const PATH_END = `/${TENANT_PLACE}/*`

type Segments = Pick<TenantSource, 'segments' | 'foldedSegments'>

const NO_SEGMENTS: Segments = { segments: [], foldedSegments: [] }

export function compileTenantRules(rules: readonly TenantRule[]): TenantSources {
  const inRequest = rules.map(compileRule).filter((source) => source !== null)
  return { inRequest, includesClaim: rules.some(({ from }) => from === 'claim') }
}

function compileRule(rule: TenantRule): TenantSource | null {
  switch (rule.from) {
    case 'subdomain':
      assertInvariant(rule.pattern.startsWith(TENANT_PLACE), 'the tenant is the first label')
      return { kind: rule.from, text: rule.pattern.slice(TENANT_PLACE.length), ...NO_SEGMENTS }
    case 'path':
      assertInvariant(rule.pattern.endsWith(PATH_END), 'nothing fixed follows the tenant')
      return { kind: rule.from, text: '', ...segmentsBefore(rule.pattern) }
    case 'header':
      return { kind: rule.from, text: rule.name, ...NO_SEGMENTS }
    case 'claim':
      return null
  }
}

function segmentsBefore(pattern: string): Segments {
  const before = pattern.slice(0, -PATH_END.length)
  if (before === '') return NO_SEGMENTS
  const folded = foldCase(pathReadings(before)?.[0] ?? before)
  return { segments: before.slice(1).split('/'), foldedSegments: folded.slice(1).split('/') }
}
