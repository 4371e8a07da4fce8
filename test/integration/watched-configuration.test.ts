/** `watch: true`, and signals: a configuration that is loaded anew from its file. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { ask } from '../support/gateway-answer.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { reservePort } from '../support/reserved-port.ts'
import { SpawnedCommand } from '../support/spawned-command.ts'
import { startEchoUpstream } from '../support/upstream-servers.ts'

const STORM = 50

/** A gateway whose only route is `/<name>`, and a file that says so. */
async function serveWatched(test: TestContext, place: (directory: string) => string) {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-watched-'))
  const upstream = await startEchoUpstream()
  const port = await reservePort()
  const textOf = (name: string) =>
    JSON.stringify({
      ...(JSON.parse(
        gatewayText({
          server: { port },
          upstream: upstream.origin,
          routes: { [`/${name}`]: { authenticate: 'none' } },
        }),
      ) as object),
      watch: true,
    })
  const write = (file: string, name: string) => writeFileSync(file, textOf(name))
  const file = place(directory)
  write(file, 'first')
  const command = new SpawnedCommand(['serve', '--config', file], {})
  test.after(async () => {
    await command.kill()
    await upstream.close()
    rmSync(directory, { recursive: true })
  })
  await command.logged('listening')
  const serves = async (name: string) => (await ask(port, `/${name}`)).status === 200
  const logged = (event: string) =>
    command.output.filter((line) => line.includes(`"${event}"`)).length
  return { directory, file, command, write, textOf, serves, logged }
}

describe('A file that is watched', { concurrency: true }, () => {
  it('is taken over when it is written, renamed over, or back, and never by half', async (test) => {
    const { directory, file, write, textOf, serves, logged } = await serveWatched(test, (place) =>
      join(place, 'gateway.yaml'),
    )
    const other = join(directory, 'other')
    write(other, 'third')
    renameSync(other, file)
    await eventually('it was renamed over', () => serves('third'))

    writeFileSync(file, textOf('fourth').slice(0, 40))
    await eventually('half of it is refused', () => logged('configuration_refused') === 1)
    assert.ok(await serves('third'))
    write(file, 'fourth')
    await eventually('the whole of it is taken', () => serves('fourth'))

    rmSync(file)
    await eventually('it is missed', () => logged('configuration_refused') === 2)
    assert.ok(await serves('fourth'))
    write(file, 'fifth')
    await eventually('it is back', () => serves('fifth'))
  })

  it('is taken over when a mounted ConfigMap is updated', async (test) => {
    const { directory, write, serves } = await serveWatched(test, (place) => {
      mkdirSync(join(place, '..1'))
      symlinkSync('..1', join(place, '..data'))
      symlinkSync(join('..data', 'gateway.yaml'), join(place, 'gateway.yaml'))
      return join(place, 'gateway.yaml')
    })
    mkdirSync(join(directory, '..2'))
    write(join(directory, '..2', 'gateway.yaml'), 'second')
    symlinkSync('..2', join(directory, '..data_tmp'))
    renameSync(join(directory, '..data_tmp'), join(directory, '..data'))
    rmSync(join(directory, '..1'), { recursive: true })
    await eventually('the link was swapped', () => serves('second'))
  })

  it('is taken over when the Secret is there that it was updated before', async (test) => {
    const { directory, file, textOf, serves, logged } = await serveWatched(test, (place) =>
      join(place, 'gateway.yaml'),
    )
    const secretFile = join(directory, 'shared-secret')
    const issuer = { issuer: 'https://a.example.com/', audiences: ['api'], algorithms: ['HS256'] }
    const issuers = { main: { ...issuer, secretFile } }
    writeFileSync(file, JSON.stringify({ ...(JSON.parse(textOf('second')) as object), issuers }))
    await eventually('it is refused', () => logged('configuration_refused') === 1)
    writeFileSync(secretFile, 'short')
    await eventually('so it is with what is no secret', () => logged('configuration_refused') === 2)
    assert.ok(await serves('first'))
    writeFileSync(secretFile, 'a shared secret of thirty-two bytes at the least')
    await eventually('it is taken over', () => serves('second'))
    // Nothing but a change has it looked at again.
    assert.equal(logged('configuration_refused'), 2)
  })

  it('is loaded once more for a storm of signals', async (test) => {
    const { file, command, write, serves, logged } = await serveWatched(test, (place) =>
      join(place, 'gateway.yaml'),
    )
    write(file, 'second')
    for (let count = 0; count < STORM; count += 1) command.signal('SIGHUP')
    await eventually('it is taken over', () => serves('second'))
    const loads = () => logged('configuration_reloaded') + logged('configuration_unchanged')
    assert.ok(loads() < STORM / 5, `${loads()} times`)
    assert.equal(logged('configuration_reloaded'), 1)
  })
})
