/** `sallyport demo`: everything in one process, to try it out. */
import { EXIT, type ExitCode } from './exit-code.ts'
import { stopSignal } from './stop-signal.ts'
import type { Terminal } from './terminal.ts'

/** Loaded on demand: the demo's identity provider is no part of a gateway in production. */
interface DemoModule {
  readonly startDemo: (print: (line: string) => void) => Promise<{ stop(): Promise<void> }>
}

/** Ends with 0 after SIGTERM or SIGINT. */
export async function demo(terminal: Terminal): Promise<ExitCode> {
  const location = new URL('../demo/demo.js', import.meta.url).href
  const { startDemo } = (await import(location)) as DemoModule
  const running = await startDemo(terminal.print)
  await stopSignal()
  await running.stop()
  return EXIT.ok
}
