/** What the process tells its caller when it ends. */

export const EXIT = {
  ok: 0,
  /** It could not be done, though it was asked for correctly. */
  failed: 1,
  /** Bad arguments or a bad configuration: nothing was tried. */
  refused: 2,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
