/** Where a route looks for tokens and API keys: that no place is read in two ways. */
import { checkUnique } from '../../check-unique.ts'
import type { ConfigPath, ReportProblem } from '../../config-error.ts'
import { sessionCookie } from '../sessions.ts'
import { authenticatorsOf } from './authenticators.ts'
import type { RouteOutput, RoutesSettings } from './route.ts'
import { takesTokens } from './takes-tokens.ts'

type Source = RouteOutput['credentials'][number]

/** Headers that the places of a route name: for a token, or for an API key. */
export function placedHeaders({
  credentials,
  apiKeyPlaces,
}: Pick<RouteOutput, 'credentials' | 'apiKeyPlaces'>): readonly string[] {
  const places = [...credentials, ...apiKeyPlaces]
  return places.flatMap(({ kind, name }) => (kind === 'header' ? name : []))
}

export function checkPlaces(
  path: ConfigPath,
  route: RouteOutput,
  settings: RoutesSettings,
  report: ReportProblem,
): void {
  checkList([...path, 'credentials'], route.credentials, settings, report)
  const keys = route.apiKeyPlaces
  if (keys.length === 0) return
  const at = [...path, 'apiKeyPlaces']
  checkList(at, keys, settings, report)
  const names = authenticatorsOf(route, settings)
  if (!names.includes('apiKey')) report(at, 'needs authenticate with apiKey')
  if (!takesTokens(names)) return
  keys.forEach((source, index) => {
    const problem = sharedProblem(source, route, settings)
    if (problem !== null) report([...at, index], problem)
  })
}

function checkList(
  at: ConfigPath,
  sources: readonly Source[],
  settings: RoutesSettings,
  report: ReportProblem,
): void {
  const places = sources.map((source) => placeOf(source, sources))
  checkUnique(at, places, report)
  const cookie = settings.sessions.settings && sessionCookie(settings.sessions.settings)
  sources.forEach(({ kind, name }, index) => {
    if (kind === 'cookie' && name === cookie) {
      report([...at, index], 'names the cookie that holds a session')
    }
  })
}

/** One field may be read by several schemes, unless one of its entries takes the whole value. */
function placeOf(source: Source, all: readonly Source[]): string {
  const place = `${source.kind} ${source.name}`
  if (source.kind !== 'header' || source.scheme === null) return place
  const isWholeTaken = all.some((other) => {
    return other.kind === 'header' && other.name === source.name && other.scheme === null
  })
  return isWholeTaken ? place : `${place} ${source.scheme.toLowerCase()}`
}

/** Why a key cannot be told from a token at this place; `null`: it can, or none is there. */
function sharedProblem(
  source: Source,
  route: RouteOutput,
  settings: RoutesSettings,
): string | null {
  const all = [source, ...route.credentials]
  const place = placeOf(source, all)
  if (!route.credentials.some((other) => placeOf(other, all) === place)) return null
  const isWhole = place === `${source.kind} ${source.name}`
  if (isWhole) return 'holds tokens as well: name another place, or a header with a scheme'
  const { settings: apiKeys } = settings.apiKeys
  if (!authenticatorsOf(route, settings).includes('introspection')) return null
  if (apiKeys === null || apiKeys.prefix !== null) return null
  return 'holds opaque tokens as well, from which keys are told by apiKeys.prefix: set it'
}
