/** Starts the upstream of the load tests. */
import { fileURLToPath } from 'node:url'
import { reservePort } from '../test/support/reserved-port.ts'
import { type StartedProcess, startProcess } from './child-process.ts'

const PROGRAM = fileURLToPath(new URL('./upstream.js', import.meta.url))

export interface RunningUpstream extends StartedProcess {
  readonly port: number
}

export async function startUpstream(): Promise<RunningUpstream> {
  const port = await reservePort()
  return { port, ...(await startProcess(process.execPath, [PROGRAM, String(port)], port)) }
}
