/** `sallyport check`: what a configuration takes that it need not, and what it may not mean. */
import type { GatewayConfiguration } from '../config/sections.ts'
import type { Terminal } from './terminal.ts'

/** None of these is a mistake for certain, so that none fails the check. */
export function warnOfTokens(
  { issuers, routes }: GatewayConfiguration,
  terminal: Pick<Terminal, 'printError'>,
): void {
  for (const { name, acceptsBound, placeholder } of issuers) {
    if (acceptsBound) {
      terminal.printError(
        `warning: issuers.${name}.boundTokens: tokens that are bound to a key are taken for plain ` +
          'bearer tokens: a stolen one is good without its key (docs/credentials.md)',
      )
    }
    if (placeholder !== null && placeholder.values === null) {
      terminal.printError(
        `warning: issuers.${name}.issuerValues: any tenant of the provider is accepted: the ` +
          'audience alone says that a token is for you (docs/credentials.md)',
      )
    }
  }
  routes.forEach(({ audiences, issuers: accepted }, index) => {
    const known = issuers
      .filter(({ name }) => accepted.includes(name))
      .flatMap((it) => it.audiences)
    for (const audience of audiences ?? []) {
      if (known.includes(audience)) continue
      terminal.printError(
        `warning: routes[${index}].audiences: ${JSON.stringify(audience)} is in the audiences of ` +
          'no issuer of the route: a token must name one of those as well (docs/routes.md)',
      )
    }
  })
}
