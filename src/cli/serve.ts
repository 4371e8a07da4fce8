/** `sallyport serve`: runs the gateway until it is told to stop. */
import { configLoader } from '../config/load-config.ts'
import { PACKAGE_VERSION } from '../resilience/product.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { loadOrReport } from './load-or-report.ts'
import type { ProcessEnd } from './process-end.ts'
import { runUntil } from './run-until.ts'
import type { Terminal } from './terminal.ts'

/** Ends with 0 after SIGTERM or SIGINT, when what was running has been finished. */
export async function serve(
  configFile: string,
  terminal: Terminal,
  end: ProcessEnd,
): Promise<ExitCode> {
  // Operators and tools send SIGHUP to have the file read again: it must never end a gateway. What
  // comes before it runs is not lost: the file may have changed since it was read.
  let onHangup = (): void => {
    isHangupWaiting = true
  }
  let isHangupWaiting = false
  end.endGracefully(() => onHangup())
  const load = configLoader(configFile)
  const loaded = loadOrReport(configFile, terminal, load)
  if (loaded === null) return EXIT.refused
  const { configuration, files } = loaded
  // Loaded on demand: no other command needs the native server, or should fail for lack of it.
  const { startSupervisor } = await import('../supervisor/supervisor.ts')
  const { stop, cut } = end
  const supervision = { version: PACKAGE_VERSION, load, files, stop, cut }
  await runUntil(stop, async () => {
    const gateway = await startSupervisor(configuration, supervision)
    onHangup = () => void gateway.reload('signal')
    if (isHangupWaiting) onHangup()
    return gateway
  })
  return EXIT.ok
}
