/** Numbers from `/metrics` of a gateway. */

/** All samples of one name in an exposition, by name and labels as they are written. */
export function samplesIn(text: string, name: string): ReadonlyMap<string, number> {
  const lines = text
    .split('\n')
    .filter((line) => [' ', '{'].some((next) => line.startsWith(name + next)))
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ')
      return [line.slice(0, end), Number(line.slice(end))]
    }),
  )
}

/**
 * One sample, e.g. `sallyport_listener_restarts_total`; 0 when it is not there.
 *
 * @param labels With these, all samples of the name that have them are added up.
 */
export async function metricSample(
  adminOrigin: string,
  name: string,
  labels?: Readonly<Record<string, string>>,
): Promise<number> {
  const text = await (await fetch(`${adminOrigin}/metrics`)).text()
  const wanted = Object.entries(labels ?? {}).map(([label, value]) => `${label}="${value}"`)
  const samples = samplesIn(text, name)
  if (labels === undefined) return samples.get(name) ?? 0
  return [...samples]
    .filter(([series]) => series !== name && wanted.every((pair) => series.includes(pair)))
    .reduce((sum, [, value]) => sum + value, 0)
}
