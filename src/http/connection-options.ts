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

/** Hot path: whether this `Connection` value is one of the two that nearly every client sends. */
export function namesNoField(connection: string): boolean {
  return connection === 'keep-alive' || connection === 'close'
}

/**
 * Adds the lower-case names listed in a `Connection` value to `names`. Anything between two commas
 * counts as a name: what is no token cannot match a field either.
 */
export function collectNamedFields(connection: string, names: Set<string>): void {
  for (const option of connection.split(',')) {
    const name = option.trim().toLowerCase()
    if (name !== '' && !NOT_REMOVABLE.has(name)) names.add(name)
  }
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
