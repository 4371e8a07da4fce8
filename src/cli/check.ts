/** `sallyport check`: says everything that is wrong with a configuration, and starts nothing. */

import { describePreset } from '../config/sections/issuers/provider-presets.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import { sendsInternalTokens } from '../supervisor/internal-token-keys.ts'
import { callerSettings } from './caller-settings.ts'
import { CALLERS, type Caller } from './callers.ts'
import { warnOfAddresses } from './check-addresses.ts'
import { warnOfBrowsers } from './check-browsers.ts'
import { checkOnline } from './check-online.ts'
import { checkSignatures } from './check-signatures.ts'
import { warnOfTokens } from './check-tokens.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { loadOrReport } from './load-or-report.ts'
import type { Terminal } from './terminal.ts'

/** Keys of a cluster that have one such part in common lie on one node. */
const HASH_TAG = /^[^{]*\{[^}]+\}/

interface CheckOptions {
  readonly configFile: string
  /** Also ask everything that it names. */
  readonly online: boolean
  /** Print what this proxy needs to ask, and nothing else; `null`: the usual. */
  readonly proxy: Caller | null
}

/**
 * Without `online` it opens no connection. With it, 1 when an issuer gave no usable key, another
 * system did not answer, or a certificate has ended.
 */
export async function check(options: CheckOptions, terminal: Terminal): Promise<ExitCode> {
  const configuration = loadOrReport(options.configFile, terminal)?.configuration ?? null
  if (configuration === null) return EXIT.refused
  if (options.proxy !== null) return printForProxy(options.proxy, configuration, terminal)
  terminal.print(`${options.configFile} is good: ${summary(configuration)}`)
  tellPresets(configuration, terminal)
  tellCallers(configuration, terminal)
  if (!checkSignatures(configuration, terminal)) return EXIT.refused
  warnOfUnsharedKeys(configuration, terminal)
  warnOfNodes(configuration, terminal)
  warnOfAddresses(configuration, terminal)
  warnOfTokens(configuration, terminal)
  warnOfBrowsers(configuration, terminal)
  if (!options.online) return EXIT.ok
  return (await checkOnline(configuration, terminal)) ? EXIT.ok : EXIT.failed
}

function printForProxy(
  proxy: Caller,
  configuration: GatewayConfiguration,
  terminal: Terminal,
): ExitCode {
  if (configuration.decision === null) {
    terminal.printError('there is no section decision: proxies cannot ask (docs/decision.md)')
    return EXIT.refused
  }
  terminal.print(callerSettings(proxy, configuration))
  return EXIT.ok
}

function tellCallers({ decision }: GatewayConfiguration, terminal: Terminal): void {
  if (decision === null) return
  const { path, port, trustedPeers } = decision
  const where = port === null ? 'the main port' : `port ${port}`
  terminal.print(
    `decision: ${trustedPeers.join(', ')} may ask at ${path} on ${where}; --proxy ` +
      `${CALLERS.join('|')} prints the fields to hand on and to take out`,
  )
  if (trustedPeers.some((range) => range.endsWith('/0'))) {
    terminal.printError(
      'warning: decision.trustedPeers: every address may ask, and say whose request it is about: ' +
        'list the proxies alone (docs/decision.md)',
    )
  }
  if (port !== null) return
  terminal.printError(
    'warning: decision.port: without one, clients that a trusted proxy sends to the main port reach ' +
      'the endpoint through it (docs/decision.md)',
  )
}

/** What is not in the file, and holds all the same. */
function tellPresets({ issuers }: GatewayConfiguration, terminal: Terminal): void {
  for (const { name, provider, presets } of issuers) {
    if (presets.length === 0) continue
    const settings = presets.map(describePreset).join(', ')
    terminal.print(`issuers.${name}: provider ${provider} sets ${settings}`)
  }
}

/** No mistake with one instance, so it does not fail the check. */
function warnOfUnsharedKeys(configuration: GatewayConfiguration, terminal: Terminal): void {
  if (!sendsInternalTokens(configuration)) return
  if (configuration.identity.internalToken.keys.kind !== 'generated') return
  terminal.printError(
    'warning: identity.internalToken: each process makes keys of its own. With several instances, ' +
      'upstreams refuse the tokens of the others: set keySecret or keyFiles (docs/identity.md)',
  )
}

/** It works, until the node of one of the keys loses what the other has. */
function warnOfNodes({ redis, revocation }: GatewayConfiguration, terminal: Terminal): void {
  if (redis?.mode !== 'cluster' || !revocation.redis) return
  if (HASH_TAG.test(revocation.keyPrefix)) return
  terminal.printError(
    'warning: revocation.keyPrefix: in a cluster, give it a hash tag, such as "{revocation}:", so ' +
      'that its keys lie on one node and are written at once (docs/revocation.md)',
  )
}

function summary({ issuers, upstreams, routes }: GatewayConfiguration): string {
  return [
    count(issuers.length, 'issuer'),
    count(upstreams.length, 'upstream'),
    count(routes.length, 'route'),
  ].join(', ')
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
