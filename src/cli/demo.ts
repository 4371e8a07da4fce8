/** `sallyport demo`: everything in one process, to try it out. */
import { EXIT, type ExitCode } from './exit-code.ts'
import { stopSignal } from './stop-signal.ts'
import type { Terminal } from './terminal.ts'
import { packageVersion } from './version.ts'

/** The last lines are waited for so long: a reader that has stopped must not keep a gateway. */
const END_TIMEOUT_MS = 1_000

/** Ends with 0 after SIGTERM or SIGINT. */
export async function demo(terminal: Terminal): Promise<ExitCode> {
  // Loaded on demand: the demo's identity provider is no part of a gateway in production.
  const { startDemo } = await import('../demo/demo.ts')
  const running = await startDemo(terminal.print, packageVersion())
  await stopSignal()
  await running.stop()
  await terminal.end(END_TIMEOUT_MS)
  return EXIT.ok
}
