/** `sallyport serve`: runs the gateway until it is told to stop. */
import { EXIT, type ExitCode } from './exit-code.ts'
import { loadOrComplain } from './load-or-complain.ts'
import { stopSignal } from './stop-signal.ts'
import type { Terminal } from './terminal.ts'
import { packageVersion } from './version.ts'

const PIPELINING_UNAVAILABLE =
  'sallyport: SALLYPORT_UPSTREAM_PIPELINING: more than 1 is not available in this version'
const RELOAD_UNAVAILABLE = 'loading the configuration again is not available in this version'

/** The last lines are waited for so long: a reader that has stopped must not keep a gateway. */
const END_TIMEOUT_MS = 1_000

/** Ends with 0 after SIGTERM or SIGINT, when what was running has been finished. */
export async function serve(configFile: string, terminal: Terminal): Promise<ExitCode> {
  const configuration = loadOrComplain(configFile, terminal)
  if (configuration === null) return EXIT.refused
  // Operators and tools send this to have the file read again: it must never end a gateway.
  process.on('SIGHUP', () => terminal.complain(`sallyport: SIGHUP: ${RELOAD_UNAVAILABLE}`))
  if (configuration.tuning.upstreamPipelining > 1) terminal.complain(PIPELINING_UNAVAILABLE)
  if (configuration.watch) terminal.complain(`sallyport: watch: ${RELOAD_UNAVAILABLE}`)
  // Loaded on demand: no other command needs the native server, or should fail for lack of it.
  const { startSupervisor } = await import('../bootstrap/supervisor.ts')
  const gateway = await startSupervisor(configuration, { version: packageVersion() })
  await stopSignal()
  await gateway.stop()
  await terminal.end(END_TIMEOUT_MS)
  return EXIT.ok
}
