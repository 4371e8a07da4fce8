/** Fields with which a client may try to say who it is. */

/** What an upstream might take for a statement about the caller. */
export const IDENTITY_NAMES = [
  ...['X-User-Id', 'X-User-Email', 'X-User-Roles', 'X-Tenant-Id', 'X-Org-Id', 'X-Tenant-Plan'],
  ...['X-Token-Issuer', 'X-Token-Scopes', 'X-Token-Expires', 'X-Session-Id', 'X-Auth-Status'],
  ...['X-Request-Id', 'X-Correlation-Id'],
]

/** Every spelling that some upstream, or the gateway itself, might take for the name. */
export function spellings(name: string): readonly string[] {
  const underscored = name.replaceAll('-', '_')
  const alternating = Array.from(name, (character, index) =>
    index % 2 === 0 ? character.toLowerCase() : character.toUpperCase(),
  )
  return [
    name,
    name.toLowerCase(),
    name.toUpperCase(),
    alternating.join(''),
    underscored,
    underscored.toUpperCase(),
    name.replace('-', '_'),
  ]
}
