/** Numbers from `/metrics` of a gateway. */

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
  const isWanted = (line: string) =>
    labels === undefined
      ? line.startsWith(`${name} `)
      : line.startsWith(`${name}{`) && wanted.every((pair) => line.includes(pair))
  return text
    .split('\n')
    .filter(isWanted)
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}
