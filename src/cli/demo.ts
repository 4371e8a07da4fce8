/** `sallyport demo`: everything in one process, to try it out. */
import { EXIT, type ExitCode } from './exit-code.ts'
import type { ProcessEnd } from './process-end.ts'
import { runUntil } from './run-until.ts'
import type { Terminal } from './terminal.ts'
import { packageVersion } from './version.ts'

/** Ends with 0 after SIGTERM, SIGINT or, when its terminal is closed, SIGHUP. */
export async function demo(terminal: Terminal, end: ProcessEnd): Promise<ExitCode> {
  end.endGracefully()
  // Loaded on demand: the demo's identity provider is no part of a gateway in production.
  const { startDemo } = await import('../demo/demo.ts')
  const { stop, cut } = end
  const supervision = { version: packageVersion(), stop, cut }
  await runUntil(stop, () => startDemo(terminal.print, supervision))
  return EXIT.ok
}
