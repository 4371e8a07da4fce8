/**
 * Hot path: knows the header fields that only the gateway may set, so that a client's own copy of
 * one can never reach an upstream.
 *
 * Fields whose name has `_` or `.` for `-` never get here: the server drops every such name.
 */
import { IDENTITY_PARTS } from '../protocol/identity-parts.ts'

/**
 * Names under which upstreams expect an identity, whatever this gateway's configuration calls
 * them: a field that was renamed or switched off is still not the client's to send.
 */
const RESERVED_NAMES = [
  ...IDENTITY_PARTS.map(({ header }) => header.toLowerCase()),
  'x-user-id',
  'x-client-id',
  'x-tenant-plan',
  'x-token-issuer',
  'x-token-expires',
  'x-session-id',
  'x-request-id',
  'x-correlation-id',
  'x-auth-status',
]

/** Lower-case names of all fields that are removed from a request before identity is added. */
export function reservedFieldNames(
  configuredNames: readonly (string | null)[],
): ReadonlySet<string> {
  const names = new Set<string>(RESERVED_NAMES)
  for (const name of configuredNames) if (name !== null) names.add(name.toLowerCase())
  return names
}
