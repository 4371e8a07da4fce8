/** Which fields say who is calling, for threads that load no schema. */
import { reservedFieldNames } from '../../../identity/strip-identity-headers.ts'
import type { Immutable } from '../../section.ts'
import type { IdentitySettings } from './identity.ts'

type Headers = NonNullable<IdentitySettings['identity']>['headers']

/**
 * Names, in lower case, of the fields that say who is calling: under whatever name, they are not
 * the client's to send.
 *
 * @param headers `null`: not well-formed.
 */
export function identityFields(headers: Immutable<Headers> | null): ReadonlySet<string> {
  const { custom = {}, ...parts } = headers ?? {}
  return reservedFieldNames([...Object.values(parts), ...Object.keys(custom)])
}
