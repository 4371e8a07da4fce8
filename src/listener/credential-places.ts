/** Where a route looks for tokens, and where for API keys; and what tells them apart. */
import type { ApiKeysConfiguration } from '../config/sections/api-keys.ts'
import type { RouteConfiguration } from '../config/sections/routes/routes.ts'
import { takesTokens } from '../config/sections/routes/takes-tokens.ts'
import type { CredentialForm, CredentialSource } from '../credentials/credential-source.ts'
import { hasJoseForm } from '../protocol/compact-jws.ts'

/** Bearer tokens, whatever their kind. */
export function tokenPlaces(
  route: RouteConfiguration,
  apiKeys: ApiKeysConfiguration | null,
): readonly CredentialSource[] {
  if (apiKeys === null || !route.authenticators.includes('apiKey')) return route.credentials
  const isKey = keyForm(apiKeys)
  const others = apiKeyPlaces(route, apiKeys)
  return withForm(route.credentials, others, (text) => !isKey(text))
}

export function apiKeyPlaces(
  route: RouteConfiguration,
  apiKeys: ApiKeysConfiguration,
): readonly CredentialSource[] {
  if (route.apiKeyPlaces.length === 0) {
    return [{ kind: 'header', name: apiKeys.header, scheme: null }]
  }
  if (!takesTokens(route.authenticators)) return route.apiKeyPlaces
  return withForm(route.apiKeyPlaces, route.credentials, keyForm(apiKeys))
}

/** At one place a text is one of the two, by its form alone: neither is tried for the other. */
function keyForm({ prefix }: ApiKeysConfiguration): CredentialForm {
  if (prefix === null) return (text) => !hasJoseForm(text)
  return (text) => text.startsWith(prefix)
}

function withForm(
  sources: readonly CredentialSource[],
  others: readonly CredentialSource[],
  form: CredentialForm,
): readonly CredentialSource[] {
  return sources.map((source) => {
    if (source.kind !== 'header' || source.scheme === null) return source
    const place = `${source.name} ${source.scheme.toLowerCase()}`
    const isShared = others.some((other) => {
      if (other.kind !== 'header' || other.scheme === null) return false
      return `${other.name} ${other.scheme.toLowerCase()}` === place
    })
    return isShared ? { ...source, form } : source
  })
}
