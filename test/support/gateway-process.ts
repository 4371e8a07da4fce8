/**
 * A gateway in a process of its own, steered by its parent: what `sallyport serve` does, and the
 * few things that no user can ask for.
 */

import { startSupervisor } from '../../src/bootstrap/supervisor.ts'
import { availableCores, processEnvironment } from '../../src/config/environment.ts'
import { parseConfig } from '../../src/config/load-config.ts'
import { type Clock, systemClock } from '../../src/resilience/clock.ts'
import { SIGNING_KEY_SPEED_VARIABLE } from './running-gateway.ts'

/** What the parent may ask. Each question is answered with its own `id`. */
export type Order =
  | { readonly id: number; readonly type: 'crash_listener'; readonly index: number }
  | { readonly id: number; readonly type: 'memory' }
  | { readonly id: number; readonly type: 'stop' }

export type Report =
  | { readonly type: 'started'; readonly port: number; readonly adminPort: number }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'done'; readonly id: number; readonly rssBytes: number }

const KEY_REVIEW_MS = 10

const [, , text = ''] = process.argv
try {
  const configuration = parseConfig(text, {
    environment: processEnvironment(),
    cores: availableCores(),
    directory: process.cwd(),
  })
  const keySpeed = Number(process.env[SIGNING_KEY_SPEED_VARIABLE] ?? 1)
  const gateway = await startSupervisor(configuration, {
    version: 'test',
    signingClock: acceleratedClock(keySpeed),
  })
  if (keySpeed !== 1) setInterval(() => void gateway.reviewSigningKeys(), KEY_REVIEW_MS).unref()
  process.on('message', (order: Order) => {
    void (async () => {
      if (order.type === 'crash_listener') gateway.crashListener(order.index)
      if (order.type === 'stop') await gateway.stop()
      report({ type: 'done', id: order.id, rssBytes: process.memoryUsage.rss() })
      if (order.type === 'stop') process.disconnect()
    })()
  })
  // The parent is gone: nobody is left who could end this process.
  process.once('disconnect', () => void gateway.stop())
  report({ type: 'started', port: gateway.port, adminPort: gateway.adminPort })
} catch (error) {
  report({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
  process.disconnect()
}

function acceleratedClock(speed: number): Clock {
  const [wallMs, monotonicMs] = [systemClock.wallMs(), systemClock.monotonicMs()]
  const wall = () => wallMs + (systemClock.wallMs() - wallMs) * speed
  return {
    nowSeconds: () => Math.floor(wall() / 1_000),
    wallMs: wall,
    monotonicMs: () => monotonicMs + (systemClock.monotonicMs() - monotonicMs) * speed,
  }
}

function report(message: Report): void {
  process.send?.(message)
}
