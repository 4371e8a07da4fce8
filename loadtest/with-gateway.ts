/** Runs the gateway before an upstream of its own, for a test that compares it with itself. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Credentials } from './credentials.ts'
import type { RunningPeer } from './peer.ts'
import { gatewayPeer } from './peers/gateway.ts'
import { startUpstream } from './upstream-process.ts'

/** @throws What the work throws; everything that was started is ended first. */
export async function withGateway(
  credentials: Credentials,
  work: (gateway: RunningPeer) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-loadtest-'))
  try {
    const upstream = await startUpstream()
    try {
      const upstreamPort = upstream.port
      const context = { credentials, upstreamPort, redisPort: null, threads: 1, folder }
      const gateway = await gatewayPeer.start(context)
      if (gateway.status === 'skipped') throw new Error(gateway.reason)
      try {
        await work(gateway)
      } finally {
        await gateway.stop()
      }
    } finally {
      await upstream.stop()
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
