/** Stops the program when its own assumptions are wrong; never used for what the world sends. */

/**
 * Throws when `holds` is false. For programmer errors only: outcomes that a client, an issuer or
 * an upstream can cause are values.
 */
export function assertInvariant(holds: boolean, claim: string): asserts holds {
  if (!holds) throw new Error(`Invariant broken: ${claim}`)
}
