/** Chance that can be repeated. */

/** A whole number from 0 to below the bound. */
export type RandomBelow = (bound: number) => number

/** A small generator with a seed, so that a failure can be run again (mulberry32). */
export function seededRandom(seed: number): RandomBelow {
  let state = seed
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}
