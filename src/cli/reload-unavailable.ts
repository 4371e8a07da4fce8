/** What is said of a configuration that asks to be loaded again. */
import type { GatewayConfiguration } from '../config/sections.ts'
import type { Terminal } from './terminal.ts'

export const RELOAD_UNAVAILABLE = 'loading the configuration again is not available in this version'

/** The setting does nothing yet. An operator who sets it must be told before relying on it. */
export function warnOfWatch({ watch }: GatewayConfiguration, terminal: Terminal): void {
  if (watch) terminal.printError(`warning: watch: ${RELOAD_UNAVAILABLE}`)
}
