/** Where tokens of an issuer are expected to have something, and which setting says so. */
import type { GatewayConfiguration } from '../config/sections.ts'
import { type ClaimSources, placeText } from '../protocol/claim-source.ts'
import type { WatchedPlace } from '../verifiers/claim-path-watch.ts'
import { takesTokensOf } from './claim-sources.ts'
import { askedPathsOf } from './kept-paths.ts'

/** More settings of one path are counted, and not named. */
const SETTINGS_NAMED_MAX = 3

/**
 * The places of parts that tokens should have, and all paths of headers, internal tokens and rules
 * of routes that take the issuer. One for each path, with all settings that have it.
 */
export function watchedPlacesOf(
  issuer: string,
  sources: ClaimSources,
  configuration: GatewayConfiguration,
): readonly WatchedPlace[] {
  const settings = new Map<string, string[]>()
  const places = new Map<string, Pick<WatchedPlace, 'path'>>()
  const watch = (text: string, path: WatchedPlace['path'], setting: string) => {
    places.set(text, { path })
    settings.set(text, [...(settings.get(text) ?? []), setting])
  }
  for (const [part, source] of Object.entries(sources)) {
    if (source === null || !source.isExpected) continue
    for (const place of source.places) {
      watch(placeText(place), place.path, `issuers.${issuer}.claims.${part}`)
    }
  }
  const asked = askedPathsOf(configuration, (route) => takesTokensOf(issuer, route))
  for (const { path, setting } of asked) {
    watch(placeText({ path, readsNames: false }), path, setting)
  }
  return [...places].map(([text, { path }]) => {
    return { text, path, setting: named(settings.get(text) ?? []) }
  })
}

function named(settings: readonly string[]): string {
  const rest = settings.length - SETTINGS_NAMED_MAX
  const more = rest > 0 ? ` and ${rest} more` : ''
  return settings.slice(0, SETTINGS_NAMED_MAX).join(', ') + more
}
