/** Signals from the first moment to the last, also for process 1 of a container. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import { eventually, promptly } from '../support/eventually.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { AS_PID_ONE, pidOneProblem } from '../support/pid-one.ts'
import { openRaw } from '../support/raw-http.ts'
import { reservePort } from '../support/reserved-port.ts'
import { servedFile } from '../support/served-gateway.ts'
import { SpawnedCommand } from '../support/spawned-command.ts'

/** From the signal to the end of the process. */
const END_MS_MAX = 5_000
const ISSUER = { issuer: 'https://idp.example.com/', audiences: ['api'] }

/** Accepts connections and never says a word: as Redis, as an issuer, as an upstream. */
let silent: Server
let silentPort = 0
const sockets = new Set<Socket>()

before(async () => {
  silent = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.resume()
  })
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  silentPort = (silent.address() as AddressInfo).port
})

after(() => {
  for (const socket of sockets) socket.destroy()
  silent.close()
})

interface Way {
  readonly name: string
  readonly wrapper: readonly string[]
  /** Why commands cannot be run in this way here. */
  readonly problem: string | null
}

const WAYS: readonly Way[] = [
  { name: 'a process among others', wrapper: [], problem: null },
  { name: 'process 1 of a container', wrapper: AS_PID_ONE, problem: pidOneProblem() },
]

function configFile(test: TestContext, sections: Readonly<Record<string, unknown>>) {
  const text = gatewayText({
    upstream: [`http://127.0.0.1:${silentPort}`],
    server: { drain: LONG_DRAIN },
  })
  return servedFile(test, JSON.stringify({ ...(JSON.parse(text) as object), ...sections }))
}

const LONG_DRAIN = { delay: '1m', timeout: '1m' }

/** What holds up a start, and for how long if nothing ends it. */
const HELD_UP = {
  'Redis does not answer': () => ({
    redis: { nodes: [`127.0.0.1:${silentPort}`], connectTimeout: '10s' },
    sessions: {},
  }),
  'Redis with the tenants does not answer': () => ({
    redis: { nodes: [`127.0.0.1:${silentPort}`], connectTimeout: '10s' },
    tenants: { resolve: [{ from: 'header' }], redis: true },
  }),
  'an issuer does not answer': () => ({
    issuers: {
      main: {
        ...ISSUER,
        jwks: { uri: `http://127.0.0.1:${silentPort}/jwks`, timeout: '10s' },
      },
    },
  }),
} as const

function start(
  test: TestContext,
  way: Way,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): SpawnedCommand {
  const command = new SpawnedCommand(words, environment, undefined, [], way.wrapper)
  test.after(() => command.kill())
  return command
}

async function accepts(port: number): Promise<boolean> {
  const client = await openRaw({ port }).catch(() => null)
  client?.socket.destroy()
  return client !== null
}

/** None when it has ended already. */
function processIdsOf(command: SpawnedCommand): readonly number[] {
  try {
    return [command.processId]
  } catch {
    return []
  }
}

/** Expects the command to end within bounded time. */
async function expectEnd(
  command: SpawnedCommand,
  exitCode: number,
  deadlineMs = END_MS_MAX,
): Promise<void> {
  await promptly('it has ended', deadlineMs, processIdsOf(command), () => command.hasEnded)
  const end = await command.ended()
  assert.deepEqual(end, { exitCode, signal: null }, command.errors.join('\n'))
}

for (const way of WAYS) {
  const skip = way.problem === null ? false : `NOT TESTED as ${way.name}: ${way.problem}`

  describe(`${way.name} that is told to stop while it starts`, { skip }, () => {
    for (const [reason, sections] of Object.entries(HELD_UP)) {
      it(`ends with 0 while ${reason}`, async (test) => {
        const before = sockets.size
        const file = await configFile(test, sections())
        const command = start(test, way, ['serve', '--config', file])
        await eventually('the start is held up', () => sockets.size > before || command.hasEnded)
        command.signal('SIGTERM')
        await expectEnd(command, 0)
        assert.deepEqual(command.errors, [])
      })
    }

    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      it(`ends with 0 on ${signal} before it has read its configuration`, async (test) => {
        const command = start(test, way, ['serve', '--config', await configFile(test, {})])
        await eventually('it takes signals', () => command.catches('SIGHUP'))
        command.signal(signal)
        await expectEnd(command, 0)
        assert.deepEqual([command.output, command.errors], [[], []])
      })
    }

    it('goes on starting on SIGHUP, and reads its configuration again then', async (test) => {
      const command = start(test, way, ['serve', '--config', await configFile(test, {})])
      await eventually('it takes signals', () => command.catches('SIGHUP'))
      command.signal('SIGHUP')
      await command.logged('listening')
      await command.logged('configuration_unchanged')
    })

    it('ends the demo with 0', async (test) => {
      const adminPort = await reservePort()
      const command = start(test, way, ['demo'], {
        SALLYPORT_DEMO_PORT: String(await reservePort()),
        SALLYPORT_DEMO_ADMIN_PORT: String(adminPort),
      })
      await eventually('the gateway starts', () => accepts(adminPort))
      command.signal('SIGINT')
      await expectEnd(command, 0)
    })
  })

  describe(`${way.name} that is told twice`, { skip }, () => {
    for (const [signal, exitCode] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
    ] as const) {
      it(`ends at once on a second ${signal}, with 128 and its number`, async (test) => {
        const command = start(test, way, ['serve', '--config', await configFile(test, {})])
        const { port } = await command.logged('listening')
        const client = await openRaw({ port: Number(port) })
        const before = sockets.size
        client.send('GET /held HTTP/1.1\r\nhost: a\r\n\r\n')
        await eventually('the upstream has the request', () => sockets.size > before)
        command.signal('SIGTERM')
        await command.logged('draining')
        assert.equal(command.hasEnded, false)
        command.signal(signal)
        await expectEnd(command, exitCode)
        await client.waitForClose()
      })
    }
  })

  describe(`${way.name} that only looks`, { skip }, () => {
    it('ends on the first signal, with 128 and its number', async (test) => {
      const before = sockets.size
      const file = await configFile(test, HELD_UP['an issuer does not answer']())
      const command = start(test, way, ['check', '--config', file, '--online'])
      await eventually('it waits for the issuer', () => sockets.size > before || command.hasEnded)
      command.signal('SIGTERM')
      await expectEnd(command, 143)
    })
  })
}
