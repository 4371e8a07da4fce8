/** Waits for the signals that ask a process to end. */

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** Settles at the first one. The next one then ends the process as it would any other. */
export async function stopSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    const onSignal = (): void => {
      for (const signal of STOP_SIGNALS) process.removeListener(signal, onSignal)
      resolve()
    }
    for (const signal of STOP_SIGNALS) process.on(signal, onSignal)
  })
}
