/** What must hold for the policy of a route: shadow, metadata of the resource, login redirect. */
import type { Complain, ConfigPath } from './config-error.ts'
import type { RouteOutput } from './route-settings.ts'
import type { UnderstoodSettings } from './understood-settings.ts'

/** Checks one well-formed route. */
export function checkRoutePolicy(
  path: ConfigPath,
  route: RouteOutput,
  settings: UnderstoodSettings,
  complain: Complain,
): void {
  void settings
  if (route.mode === 'shadow' && route.authenticate === 'none') {
    complain([...path, 'mode'], 'has nothing to report with authenticate: none')
  }
}
