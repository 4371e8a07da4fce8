/** `sallyport serve`: runs the gateway until it is told to stop. */
import type { GatewayConfiguration } from '../config/gateway-configuration.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { loadOrComplain } from './load-or-complain.ts'
import { stopSignal } from './stop-signal.ts'
import type { Terminal } from './terminal.ts'

/** Loaded on demand: no other command needs the native server, or should fail for lack of it. */
interface SupervisorModule {
  readonly startSupervisor: (
    configuration: GatewayConfiguration,
    options: { readonly configFile: string },
  ) => Promise<{ stop(): Promise<void> }>
}

/** Ends with 0 after SIGTERM or SIGINT, when what was running has been finished. */
export async function serve(configFile: string, terminal: Terminal): Promise<ExitCode> {
  const configuration = loadOrComplain(configFile, terminal)
  if (configuration === null) return EXIT.refused
  const location = new URL('../bootstrap/supervisor.js', import.meta.url).href
  const { startSupervisor } = (await import(location)) as SupervisorModule
  const supervisor = await startSupervisor(configuration, { configFile })
  await stopSignal()
  await supervisor.stop()
  return EXIT.ok
}
