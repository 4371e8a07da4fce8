/**
 * A gateway in a process of its own, steered by its parent: what `sallyport serve` does, and faults
 * that no user can ask for (thread-faults.ts).
 */
import { BroadcastChannel } from 'node:worker_threads'
import { processEnvironment } from '../../src/config/environment.ts'
import { parseConfig } from '../../src/config/load-config.ts'
import { machineLimits } from '../../src/config/machine-limits.ts'
import { startSupervisor } from '../../src/supervisor/supervisor.ts'
import { reservePort } from './reserved-port.ts'
import { FAULT_CHANNEL, type Fault } from './thread-faults.ts'

/** What the parent may ask. Each question is answered with its own `id`. */
export type Order =
  | { readonly id: number; readonly type: 'crash_listener'; readonly index: number }
  | { readonly id: number; readonly type: 'memory' }
  | { readonly id: number; readonly type: 'stop' }

export type Report =
  | { readonly type: 'started'; readonly port: number; readonly adminPort: number }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'done'; readonly id: number; readonly rssBytes: number }

const faults = new BroadcastChannel(FAULT_CHANNEL)
faults.unref()

const [, , text = ''] = process.argv
try {
  const configuration = parseConfig(text, {
    environment: processEnvironment(),
    machine: machineLimits(),
    directory: process.cwd(),
  })
  // A port that the system chooses might be taken before the listener threads have bound it.
  const port = configuration.server.port || (await reservePort())
  const server = { ...configuration.server, port }
  const gateway = await startSupervisor(
    { ...configuration, server },
    {
      version: 'test',
      stop: new AbortController().signal,
      cut: new AbortController().signal,
    },
  )
  process.on('message', (order: Order) => {
    void (async () => {
      if (order.type === 'crash_listener') {
        faults.postMessage({ thread: order.index, kind: 'throw' } satisfies Fault)
      }
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

function report(message: Report): void {
  process.send?.(message)
}
