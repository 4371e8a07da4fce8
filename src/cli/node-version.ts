/** Which Node.js is too old for this program: told in words, before the rest is loaded. */

/** The dependencies ask for this one. */
const OLDEST = [20, 18, 1] as const

/**
 * Which later ones have no native server is told when that is chosen (server/native-binary.ts).
 *
 * @param version `process.versions.node`.
 * @returns `null`, or one line for the operator.
 */
export function nodeProblem(version: string): string | null {
  const parts = version.split('.').map(Number)
  for (const [index, least] of OLDEST.entries()) {
    const part = parts[index] ?? 0
    if (part > least) return null
    if (part < least) {
      return `Node.js ${version} is too old: use 20 (${OLDEST.join('.')} or later), 22 or 24`
    }
  }
  return null
}
