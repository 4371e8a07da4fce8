/** What all entries of the load tests do about an error: tell its cause, and end with 1. */

/** @param main Whatever it throws is told without the places in the code it came through. */
export async function runEntry(main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
