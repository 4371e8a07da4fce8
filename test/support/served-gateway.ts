/** `sallyport serve` as users start it: from a configuration file, in a process of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { reservePort } from './reserved-port.ts'
import { SpawnedCommand } from './spawned-command.ts'

export interface ServedGateway {
  readonly command: SpawnedCommand
  readonly port: number
}

/**
 * Writes a configuration for `serve`; it is gone after the test. Where the text says port 0 for
 * `server`, the file names a port that stays reserved until the listener threads have bound it.
 *
 * @param text JSON.
 */
export async function servedFile(test: TestContext, text: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-served-'))
  test.after(() => rmSync(directory, { recursive: true }))
  const sections = JSON.parse(text) as { readonly server: { readonly port: number } }
  const port = sections.server.port || (await reservePort())
  const file = join(directory, 'gateway.yaml')
  writeFileSync(file, JSON.stringify({ ...sections, server: { ...sections.server, port } }))
  return file
}

/**
 * Settles when it listens; ends with the test.
 *
 * @param text A configuration, as JSON.
 * @param flags What Node itself is told.
 */
export async function serveGateway(
  test: TestContext,
  text: string,
  environment: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
): Promise<ServedGateway> {
  const words = ['serve', '--config', await servedFile(test, text)]
  const command = new SpawnedCommand(words, environment, undefined, flags)
  test.after(() => command.kill())
  const { port } = await command.logged('listening')
  return { command, port: Number(port) }
}
