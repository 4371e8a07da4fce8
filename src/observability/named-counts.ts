/** Counts of several things, each under the name of what counted them. */

/** By name, then by what was counted. */
export type CountsByName = Map<string, Map<string, number>>

/** Adds to the counts of one name, zeroes included. */
export function addUnderName(
  rows: CountsByName,
  name: string,
  counts: Iterable<readonly [string, number]>,
): void {
  const row = rowOf(rows, name)
  for (const [what, count] of counts) row.set(what, (row.get(what) ?? 0) + count)
}

/** The counts of one name, begun where there are none. */
export function rowOf(rows: CountsByName, name: string): Map<string, number> {
  const row = rows.get(name) ?? new Map<string, number>()
  rows.set(name, row)
  return row
}
