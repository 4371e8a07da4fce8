/** How often a property is tried, and where. fast-check prints the seed of a run that failed. */
import fc from 'fast-check'

const PLACES = 1_000_000

/**
 * A place in something whose length is not known yet: from 0 to 1, without 1. All are alike, unlike
 * those of `fc.double`, nearly all of which are 0 or 1 but for a thousandth.
 */
export const anyPlace = fc.nat(PLACES - 1).map((place) => place / PLACES)

/**
 * Parameters of `fc.assert`. `PROPERTY_RUNS` in the environment asks for a longer run, and
 * `PROPERTY_SEED` for the same one again.
 *
 * @param usual Runs in each build.
 */
export function propertyRuns(usual: number): { readonly numRuns: number; readonly seed?: number } {
  const { PROPERTY_RUNS: runs, PROPERTY_SEED: seed } = process.env
  return {
    numRuns: runs === undefined ? usual : Number(runs),
    ...(seed !== undefined && { seed: Number(seed) }),
  }
}
