/** What all entries of the load tests do about an error: tell its cause, and end with 1. */

const CALLED_WRONGLY = 2
/** As a shell counts: what was started ends with this process (child-process.ts). */
const ENDED_BY = [
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const

/** @param main Whatever it throws is told without the places in the code it came through. */
export async function runEntry(main: () => Promise<void>): Promise<void> {
  for (const [signal, exitCode] of ENDED_BY) process.once(signal, () => process.exit(exitCode))
  try {
    await main()
  } catch (error) {
    tell(error)
    process.exitCode = 1
  }
}

/**
 * The same for an entry that can be called wrongly, which ends with 2 before anything is started.
 *
 * @param readOrder Throws when the arguments are not what the entry takes.
 */
export async function runOrdered<Order>(
  readOrder: () => Order,
  run: (order: Order) => Promise<void>,
): Promise<void> {
  let order: Order
  try {
    order = readOrder()
  } catch (error) {
    tell(error)
    process.exitCode = CALLED_WRONGLY
    return
  }
  await runEntry(() => run(order))
}

function tell(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
}
