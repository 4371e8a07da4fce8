/** Starts the programs under test and their clients as processes of their own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** A program that does not answer by then is broken. */
const START_TIMEOUT_MS = 20_000
/** Grace between SIGTERM and SIGKILL. */
const STOP_TIMEOUT_MS = 3_000
/** How exactly it is known when a program listens. Refused connections cost it nothing. */
const START_POLL_MS = 10
/** Characters of output kept for a message about a program that failed to start. */
const OUTPUT_KEPT_MAX = 4_000

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** It does not outlive this process, unless that is killed: run-entry.ts. */
export function endWithThisProcess(child: ChildProcess): void {
  running.add(child)
  child.once('exit', () => running.delete(child))
}

export interface StartedProcess {
  readonly processId: number
  stop(): Promise<void>
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await ended
  clearTimeout(force)
}

/**
 * Starts a program and resolves once `port` accepts connections.
 *
 * @throws With the last of its output, when the program ends or does not listen in time.
 */
export async function startProcess(
  command: string,
  commandArguments: readonly string[],
  port: number,
  environment: Readonly<Record<string, string>> = {},
): Promise<StartedProcess> {
  const child = spawn(command, commandArguments, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  endWithThisProcess(child)
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-OUTPUT_KEPT_MAX)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  let failure: string | null = null
  child.once('error', (error) => {
    failure = error.message
  })

  const deadlineMs = Date.now() + START_TIMEOUT_MS
  while (!(await canConnect(port))) {
    if (failure !== null || hasEnded(child) || Date.now() > deadlineMs) {
      await stopProcess(child)
      throw new Error(`${command} did not start: ${failure ?? output}`)
    }
    await sleep(START_POLL_MS)
  }
  if (child.pid === undefined) throw new Error(`${command} did not start.`)
  return { processId: child.pid, stop: () => stopProcess(child) }
}

/**
 * Runs a client of this folder to its end: it reads its job from its argument, and prints its
 * result as one line of JSON.
 *
 * @param name Of its file, without an ending.
 * @throws When it fails; a failed response is counted instead.
 */
export async function runClient<Result>(name: string, job: object): Promise<Result> {
  const program = fileURLToPath(new URL(`./${name}.js`, import.meta.url))
  const run = promisify(execFile)(process.execPath, [program, JSON.stringify(job)])
  endWithThisProcess(run.child)
  const { stdout } = await run
  return JSON.parse(stdout) as Result
}
