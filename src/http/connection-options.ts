/**
 * The `Connection` field (RFC 9110 §7.6.1): which other fields it makes hop-by-hop.
 */

/**
 * Fields that a `Connection` field cannot take away, because they are not about one connection.
 * Without the first three the message would be framed or routed differently on each side of the
 * gateway: that is request smuggling. Without the others the upstream would read another body than
 * the gateway, which may have looked for the user in it.
 */
const NOT_REMOVABLE: ReadonlySet<string> = new Set([
  ...['content-length', 'host', 'transfer-encoding'],
  ...['content-type', 'content-encoding'],
])

/**
 * Hot path: adds the lower-case names listed in a `Connection` value to `names`; `null`: there are
 * none yet, and it stays `null` for the two values that nearly every client sends. Anything between
 * two commas counts as a name: what is no token cannot match a field either.
 */
export function addNamedFields(connection: string, names: Set<string> | null): Set<string> | null {
  if (connection === 'keep-alive' || connection === 'close') return names
  const named = names ?? new Set<string>()
  for (const option of connection.split(',')) {
    const name = option.trim().toLowerCase()
    if (name !== '' && !NOT_REMOVABLE.has(name)) named.add(name)
  }
  return named
}

/** The list without the fields of these lower-case names; names in the list may have any case. */
export function withoutFields(headers: readonly string[], names: ReadonlySet<string>): string[] {
  const kept: string[] = []
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string
    if (!names.has(name.toLowerCase())) kept.push(name, headers[index + 1] as string)
  }
  return kept
}
