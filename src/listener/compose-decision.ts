/** The endpoint at which other proxies ask, from the configuration. */
import type { GatewayConfiguration } from '../config/sections.ts'
import { DecisionEndpoint } from '../gateway/decision-endpoint/decision-endpoint.ts'
import { AddressRanges } from '../http/address-ranges.ts'

const MS_PER_SECOND = 1_000

/** @returns `null`: there is none. */
export function composeDecision({
  decision,
  server,
}: GatewayConfiguration): DecisionEndpoint | null {
  if (decision === null) return null
  return new DecisionEndpoint({
    path: decision.path,
    trustedPeers: new AddressRanges(decision.trustedPeers),
    isForNginx: decision.compat === 'nginx',
    maxAgeSeconds: decision.maxAgeMs === null ? null : decision.maxAgeMs / MS_PER_SECOND,
    urlBytesMax: server.limits.urlBytes,
  })
}
