/** Runs programs before an upstream of their own, for a test that brings its own clients. */
import type { Credentials } from './credentials.ts'
import type { Peer, PeerContext, RunningPeer } from './peer.ts'
import { type RunningGateway, startGateway } from './peers/gateway.ts'
import { startUpstream } from './upstream-process.ts'
import { workingFolder } from './working-folder.ts'

export interface RunningProgram {
  readonly peer: Peer
  readonly running: RunningPeer
}

/** What the programs are started with, and how they are ended. */
interface Setting {
  readonly context: PeerContext
  /** Ends the program when the work is over, before its upstream. */
  readonly keep: (running: RunningPeer) => void
}

async function withUpstream<T>(
  credentials: Credentials,
  work: (setting: Setting) => Promise<T>,
): Promise<T> {
  const folder = workingFolder('loadtest')
  const stops: (() => Promise<void>)[] = []
  try {
    const upstream = await startUpstream()
    stops.push(() => upstream.stop())
    const context: PeerContext = {
      credentials,
      upstreamPort: upstream.port,
      credential: 'jwt',
      hasLimits: false,
      introspection: null,
      redisPort: null,
      threads: 1,
      folder: folder.path,
    }
    return await work({ context, keep: (running) => stops.push(() => running.stop()) })
  } finally {
    for (const stop of stops.reverse()) await stop()
    folder.remove()
  }
}

/**
 * @param work Gets those that are installed, in the order of `peers`.
 * @returns What the work returns, and why others took no part.
 * @throws What the work throws; everything that was started is ended first.
 */
export function withPrograms<T>(
  peers: readonly Peer[],
  credentials: Credentials,
  work: (programs: readonly RunningProgram[]) => Promise<T>,
): Promise<{ readonly result: T; readonly skipped: readonly string[] }> {
  return withUpstream(credentials, async ({ context, keep }) => {
    const programs: RunningProgram[] = []
    const skipped: string[] = []
    for (const peer of peers) {
      const running = await peer.start(context)
      if (running.status === 'skipped') skipped.push(running.reason)
      else {
        keep(running)
        programs.push({ peer, running })
      }
    }
    return { result: await work(programs), skipped }
  })
}

/** The same with the gateway alone, with so many listener threads. */
export function withGateway<T>(
  credentials: Credentials,
  work: (gateway: RunningGateway) => Promise<T>,
  threads = 1,
): Promise<T> {
  return withUpstream(credentials, async ({ context, keep }) => {
    const gateway = await startGateway({ ...context, threads })
    if (gateway.status === 'skipped') throw new Error(gateway.reason)
    keep(gateway)
    return work(gateway)
  })
}
