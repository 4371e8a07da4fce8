/** `sallyport check`: what a configuration lets pages of other sites do. */
import type { GatewayConfiguration } from '../config/sections.ts'
import type { Terminal } from './terminal.ts'

/** None of these is a mistake for certain, so that none fails the check. */
export function warnOfBrowsers(
  { routes }: GatewayConfiguration,
  terminal: Pick<Terminal, 'printError'>,
): void {
  routes.forEach(({ csrf, authenticate }, index) => {
    if (csrf !== 'off' || authenticate === 'none') return
    terminal.printError(
      `warning: routes[${index}].csrf: off: pages of any site can make a browser send requests ` +
        'that change something, with the cookies of its user (docs/browsers.md)',
    )
  })
}
