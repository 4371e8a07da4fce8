/**
 * A gateway in a process of its own, steered by its parent: what `sallyport serve` does, and faults
 * that no user can ask for (thread-faults.ts).
 */
import { BroadcastChannel } from 'node:worker_threads'
import { processEnvironment } from '../../src/config/environment.ts'
import { parseConfig } from '../../src/config/load-config.ts'
import { machineLimits } from '../../src/config/machine-limits.ts'
import type { GatewayConfiguration } from '../../src/config/sections.ts'
import { startSupervisor } from '../../src/supervisor/supervisor.ts'
import { reservePort } from './reserved-port.ts'
import { FAULT_CHANNEL, type Fault } from './thread-faults.ts'

/** What the parent may ask. Each question is answered with its own `id`. */
export type Order =
  | { readonly id: number; readonly type: 'crash_listener'; readonly index: number }
  | { readonly id: number; readonly type: 'memory' }
  /** What the configuration is when it is loaded next. */
  | { readonly id: number; readonly type: 'write'; readonly text: string }
  | { readonly id: number; readonly type: 'stop' }

export type Report =
  | { readonly type: 'started'; readonly port: number; readonly adminPort: number }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'done'; readonly id: number; readonly rssBytes: number }

const faults = new BroadcastChannel(FAULT_CHANNEL)
faults.unref()

let [, , text = ''] = process.argv
try {
  // A port that the system chooses might be taken before the listener threads have bound it.
  const port = load().server.port || (await reservePort())
  const withPort = (configuration: GatewayConfiguration) => ({
    ...configuration,
    server: { ...configuration.server, port },
  })
  const gateway = await startSupervisor(withPort(load()), {
    version: 'test',
    load: () => ({ configuration: withPort(load()), files: new Map() }),
    files: new Map(),
    stop: new AbortController().signal,
    cut: new AbortController().signal,
  })
  process.on('message', (order: Order) => {
    void (async () => {
      if (order.type === 'crash_listener') {
        faults.postMessage({ thread: order.index, kind: 'throw' } satisfies Fault)
      }
      if (order.type === 'write') text = order.text
      if (order.type === 'stop') await gateway.stop()
      report({ type: 'done', id: order.id, rssBytes: process.memoryUsage.rss() })
      if (order.type === 'stop') process.disconnect()
    })()
  })
  // The parent is gone: no other process is left that could end this one.
  process.once('disconnect', () => void gateway.stop())
  report({ type: 'started', port: gateway.port, adminPort: gateway.adminPort })
} catch (error) {
  report({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
  process.disconnect()
}

function load(): GatewayConfiguration {
  return parseConfig(text, {
    environment: processEnvironment(),
    machine: machineLimits(),
    directory: process.cwd(),
  })
}

function report(message: Report): void {
  process.send?.(message)
}
