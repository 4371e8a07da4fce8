/**
 * A real Keycloak on loopback: its distribution comes from Maven and is kept below `build/`, its
 * database lives in memory and ends with it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { REPOSITORY_ROOT } from '../architecture/repository.ts'
import { describeEnd, reportUnwantedEnd } from '../support/child-ends.ts'
import { eventually } from '../support/eventually.ts'
import { reservePort } from '../support/reserved-port.ts'

/** Another one: `KEYCLOAK_VERSION`. Before 26.6.2 any client could introspect any token. */
const VERSION = process.env['KEYCLOAK_VERSION'] ?? '26.7.3'
const FOLDER = join(REPOSITORY_ROOT, 'build', 'providers')
/** Its first start prepares the server and fills the database: 40 s on an idle machine. */
const START_MS_MAX = 400_000
const HEAP = '-Xms64m -Xmx512m'
const LINES_KEPT = 200

export const ADMINISTRATOR = { username: 'admin', password: 'admin' }

export interface KeycloakServer {
  readonly origin: string
  stop(): Promise<void>
}

/** Takes the one that runs at `KEYCLOAK_ORIGIN` where that is set, and then leaves it running. */
export async function startKeycloak(): Promise<KeycloakServer> {
  const running = process.env['KEYCLOAK_ORIGIN']
  if (running !== undefined) return { origin: running, stop: () => Promise.resolve() }
  const home = installedKeycloak()
  const port = await reservePort()
  const words = ['start-dev', '--http-host=127.0.0.1', `--http-port=${port}`]
  const child = spawn(join(home, 'bin', 'kc.sh'), [...words, '--db=dev-mem', '--cache=local'], {
    env: {
      ...process.env,
      JAVA_OPTS_KC_HEAP: HEAP,
      KC_BOOTSTRAP_ADMIN_USERNAME: ADMINISTRATOR.username,
      KC_BOOTSTRAP_ADMIN_PASSWORD: ADMINISTRATOR.password,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its script runs Java as a child at first, and becomes it later: they end as one group.
    detached: true,
  })
  const end = watch(child)
  const origin = `http://127.0.0.1:${port}`
  await eventually('Keycloak answers', () => answers(`${origin}/realms/master`), START_MS_MAX)
  return { origin, stop: () => end.stop() }
}

/** @returns The folder of the distribution. Needs `mvn` and `tar` where it is not there yet. */
function installedKeycloak(): string {
  const home = join(FOLDER, `keycloak-${VERSION}`)
  if (existsSync(join(home, 'bin', 'kc.sh'))) return home
  mkdirSync(FOLDER, { recursive: true })
  const artifact = `org.keycloak:keycloak-quarkus-dist:${VERSION}:tar.gz`
  run('mvn', [
    '--quiet',
    '--batch-mode',
    'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy',
    `-Dartifact=${artifact}`,
    `-DoutputDirectory=${FOLDER}`,
  ])
  run('tar', ['xzf', join(FOLDER, `keycloak-quarkus-dist-${VERSION}.tar.gz`), '-C', FOLDER])
  return home
}

function run(program: string, words: readonly string[]): void {
  const { status } = spawnSync(program, words, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) throw new Error(`${program} ended with ${status}`)
}

function watch(child: ChildProcess): { stop(): Promise<void> } {
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      if (lines.length > LINES_KEPT) lines.shift()
    })
  }
  let isStopping = false
  const ended = once(child, 'exit')
  const kill = () => signalGroup(child, 'SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => {
    process.off('exit', kill)
    if (!isStopping) reportUnwantedEnd(describeEnd('Keycloak', child, lines))
  })
  return {
    async stop() {
      isStopping = true
      signalGroup(child, 'SIGTERM')
      await ended
    },
  }
}

function signalGroup({ pid, exitCode, signalCode }: ChildProcess, name: NodeJS.Signals): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return
  process.kill(-pid, name)
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url)
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
