/** Which credentials a route takes, for threads that load no schema. */
import type { AuthenticatorName } from './authenticators.ts'

/** Whether bearer tokens are among the credentials, of whatever kind. */
export function takesTokens(names: readonly AuthenticatorName[]): boolean {
  return names.includes('jwt') || names.includes('introspection')
}
