/** Upstreams and pools that a test opens, closed after it whatever came of it. */
import { afterEach } from 'node:test'
import type { UpstreamPool, UpstreamPoolOptions } from '../../src/proxy/upstream-pool.ts'
import { createPool, type ManualClock } from './proxy-harness.ts'
import { reservePort } from './reserved-port.ts'
import { type RawScript, startRawUpstream, type UpstreamServer } from './upstream-servers.ts'

const opened: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const part of opened.splice(0).reverse()) await part.close()
})

/** Has it closed after the test. */
export function closeLater<Part extends { close(): Promise<void> }>(part: Part): Part {
  opened.push(part)
  return part
}

export async function rawUpstream(script: RawScript): Promise<UpstreamServer> {
  return closeLater(await startRawUpstream(script))
}

export function poolOf(
  origins: readonly string[],
  options: Partial<UpstreamPoolOptions> = {},
  clock?: ManualClock,
): UpstreamPool {
  const pool = createPool(origins, options, clock)
  closeLater({ close: () => pool.destroy() })
  return pool
}

/** An origin where nothing listens. */
export async function unusedOrigin(): Promise<string> {
  return `http://127.0.0.1:${await reservePort()}`
}
