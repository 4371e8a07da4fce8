/** Starts the bare pass-through. */
import { fileURLToPath } from 'node:url'
import { reservePort } from '../../test/support/reserved-port.ts'
import { startProcess } from '../child-process.ts'
import type { Peer } from '../peer.ts'

const PROGRAM = fileURLToPath(new URL('./bare-pass-through.js', import.meta.url))

export const barePeer: Peer = {
  name: 'bare',
  work: 'uWebSockets.js and undici, passes everything through, no authentication',
  decides: false,
  async start(context) {
    const port = await reservePort()
    const origin = `http://127.0.0.1:${context.upstreamPort}`
    const started = await startProcess(process.execPath, [PROGRAM, String(port), origin], port)
    return { status: 'running', port, version: `Node ${process.version}`, ...started }
  },
}
