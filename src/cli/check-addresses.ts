/** Warns where the address of a client decides something, and all of them may be a balancer's. */
import type { GatewayConfiguration } from '../config/sections.ts'
import { isLoopbackHost } from '../http/http-url.ts'
import type { Terminal } from './terminal.ts'

interface AddressLists {
  readonly allowFrom: readonly unknown[]
  readonly denyFrom: readonly unknown[]
}

/**
 * No mistake where clients connect by themselves, so it does not fail the check. Tenants and API
 * keys that are in Redis are not looked at.
 */
export function warnOfAddresses(configuration: GatewayConfiguration, terminal: Terminal): void {
  const { host, trustedProxies } = configuration.server
  // Clients come by the proxies that ask, then, which say who they are.
  if (configuration.decision !== null && configuration.decision.port !== null) return
  if (trustedProxies.length > 0 || isLoopbackHost(host)) return
  const [use] = usesOf(configuration)
  if (use === undefined) return
  terminal.printError(
    `warning: server.trustedProxies: empty, but ${use} goes by the address of the client. Behind ` +
      'a balancer every client has its address: name the balancer (docs/addresses.md)',
  )
}

/** The settings that go by addresses, by their paths. */
function usesOf({ rateLimits, routes, tenants, apiKeys }: GatewayConfiguration): readonly string[] {
  const used = new Set(routes.map(({ rateLimit }) => rateLimit))
  return [
    ...rateLimits
      .filter(({ name }) => used.has(name))
      .flatMap(({ name, perAddress, failuresPerAddress }) => [
        ...(perAddress === null ? [] : [`rateLimits.${name}.perAddress`]),
        ...(failuresPerAddress === null ? [] : [`rateLimits.${name}.failures.perAddress`]),
      ]),
    ...routes.flatMap((route, index) => listsOf(`routes[${index}]`, route)),
    ...[...(tenants?.registry ?? [])].flatMap((tenant) =>
      listsOf(`tenants.registry.${tenant.name}`, tenant),
    ),
    ...(apiKeys?.keys ?? []).flatMap((key, index) => listsOf(`apiKeys.keys[${index}]`, key)),
  ]
}

function listsOf(path: string, { allowFrom, denyFrom }: AddressLists): readonly string[] {
  return [
    ...(allowFrom.length > 0 ? [`${path}.allowFrom`] : []),
    ...(denyFrom.length > 0 ? [`${path}.denyFrom`] : []),
  ]
}
