/** `sallyport serve`: runs the gateway until it is told to stop. */
import { EXIT, type ExitCode } from './exit-code.ts'
import { loadOrReport } from './load-or-report.ts'
import type { ProcessEnd } from './process-end.ts'
import { RELOAD_UNAVAILABLE, warnOfWatch } from './reload-unavailable.ts'
import { runUntil } from './run-until.ts'
import type { Terminal } from './terminal.ts'
import { packageVersion } from './version.ts'

/** Ends with 0 after SIGTERM or SIGINT, when what was running has been finished. */
export async function serve(
  configFile: string,
  terminal: Terminal,
  end: ProcessEnd,
): Promise<ExitCode> {
  // Operators and tools send SIGHUP to have the file read again: it must never end a gateway.
  end.endGracefully(() => terminal.printError(`sallyport: SIGHUP: ${RELOAD_UNAVAILABLE}`))
  const configuration = loadOrReport(configFile, terminal)
  if (configuration === null) return EXIT.refused
  warnOfWatch(configuration, terminal)
  // Loaded on demand: no other command needs the native server, or should fail for lack of it.
  const { startSupervisor } = await import('../supervisor/supervisor.ts')
  const { stop, cut } = end
  const supervision = { version: packageVersion(), stop, cut }
  await runUntil(stop, () => startSupervisor(configuration, supervision))
  return EXIT.ok
}
