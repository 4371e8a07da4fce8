/** Runs programs before an upstream of their own, for a test that brings its own clients. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Credentials } from './credentials.ts'
import type { Peer, RunningPeer } from './peer.ts'
import { gatewayPeer } from './peers/gateway.ts'
import { startUpstream } from './upstream-process.ts'

export interface RunningProgram {
  readonly peer: Peer
  readonly running: RunningPeer
}

/**
 * @param work Gets those that are installed, in the order of `peers`.
 * @returns What the work returns, and why others took no part.
 * @throws What the work throws; everything that was started is ended first.
 */
export async function withPrograms<T>(
  peers: readonly Peer[],
  credentials: Credentials,
  work: (programs: readonly RunningProgram[]) => Promise<T>,
): Promise<{ readonly result: T; readonly skipped: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-loadtest-'))
  const stops: (() => Promise<void>)[] = []
  try {
    const upstream = await startUpstream()
    stops.push(() => upstream.stop())
    const programs: RunningProgram[] = []
    const skipped: string[] = []
    for (const peer of peers) {
      const running = await peer.start({
        credentials,
        upstreamPort: upstream.port,
        credential: 'jwt',
        hasLimits: false,
        introspection: null,
        redisPort: null,
        threads: 1,
        folder,
      })
      if (running.status === 'skipped') skipped.push(running.reason)
      else {
        stops.push(() => running.stop())
        programs.push({ peer, running })
      }
    }
    return { result: await work(programs), skipped }
  } finally {
    for (const stop of stops.reverse()) await stop()
    rmSync(folder, { recursive: true })
  }
}

/** The same with the gateway alone, compared with itself. */
export async function withGateway<T>(
  credentials: Credentials,
  work: (gateway: RunningPeer) => Promise<T>,
): Promise<T> {
  const { result } = await withPrograms([gatewayPeer], credentials, ([program]) => {
    if (program === undefined) throw new Error('sallyport: not built (npm run build)')
    return work(program.running)
  })
  return result
}
