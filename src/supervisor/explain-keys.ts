/**
 * Completes an explanation with what only the owner of the keys knows: where the keys of an issuer
 * come from, how old they are, and why they could not be fetched.
 */
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import type { JwksConfiguration } from '../config/sections/issuers/jwks.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import type { Explanation } from '../gateway/explanation.ts'
import { openidConfigurationUrl } from '../keys/discovery-document.ts'
import type { JwksStatus } from '../keys/jwks-event.ts'
import { spanOf } from '../protocol/tell-claims.ts'
import { counted, quoted, type TraceStep } from '../protocol/trace.ts'
import { KEY_FAILURES } from './key-failures.ts'

/** Adds a step behind the one about keys; the explanation as it is where there is none. */
export function withKeyStandings(
  explanation: Explanation,
  { issuers, routes }: GatewayConfiguration,
  statuses: readonly JwksStatus[],
): Explanation {
  const at = explanation.steps.findIndex(({ step }) => step === 'keys')
  const route = routes.find(({ name }) => name === explanation.route)
  if (at === -1 || route === undefined) return explanation
  const text = explanation.steps[at]?.text ?? ''
  const about = issuers.filter(({ name }) => text.startsWith(`issuer ${quoted(name)}`))
  const told = about.flatMap((issuer) => {
    const status = statuses.find(({ issuerName }) => issuerName === issuer.name)
    return status === undefined ? [] : stepOf(issuer, status)
  })
  return { ...explanation, steps: explanation.steps.toSpliced(at + 1, 0, ...told) }
}

function stepOf(issuer: IssuerConfiguration, status: JwksStatus): TraceStep[] {
  const { keys } = issuer
  if (keys.kind !== 'jwks') return []
  const { ageSeconds, lastFailure, keyCount, skipped } = status
  const source = sourceOf(issuer, keys)
  const rest = skipped.length === 0 ? '' : `, ${skipped.length} skipped`
  const age = ageSeconds === null ? 'never fetched' : `fetched ${spanOf(ageSeconds)} ago`
  const had = `${source}: ${counted(keyCount, 'key')}${rest}, ${age}`
  if (lastFailure === null) return [{ step: 'keys', mark: 'ok', text: had }]
  const text = `${had}; the last attempt failed: ${KEY_FAILURES[lastFailure]}`
  return [{ step: 'keys', mark: keyCount === 0 ? 'no' : 'note', text }]
}

function sourceOf(
  { discoveryIssuer }: IssuerConfiguration,
  { location }: JwksConfiguration,
): string {
  switch (location.kind) {
    case 'uri':
      return location.uri
    case 'discovery':
      return openidConfigurationUrl(discoveryIssuer)
    case 'file':
      return location.file
  }
}
