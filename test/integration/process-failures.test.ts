/** Threads that fail at the worst moment, and a supervisor that fails itself. */
import assert from 'node:assert/strict'
import { createServer as createTcpServer } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { HeldUpstream } from '../support/held-upstream.ts'
import { listen } from '../support/listening-port.ts'
import { soleAnswer } from '../support/proxied-answer.ts'
import { openRaw, type RawConnection } from '../support/raw-http.ts'
import { type ServedGateway, serveGateway } from '../support/served-gateway.ts'
import type { SpawnedCommand } from '../support/spawned-command.ts'
import { FAULT_FLAGS, FAULT_VARIABLE, type Fault } from '../support/thread-faults.ts'

const CLIENTS = 20
const END_MS_MAX = 15_000

let upstream: HeldUpstream

before(async () => {
  upstream = await HeldUpstream.start()
})

after(() => upstream.close())

/** A gateway in which SIGUSR2 makes a thread fail. */
async function serve(
  test: TestContext,
  fault: Fault,
  drain: { readonly delay: string; readonly timeout: string },
  threads = 2,
  sections: Readonly<Record<string, unknown>> = {},
): Promise<ServedGateway> {
  const text = gatewayText({ upstream: [upstream.origin], server: { drain } })
  const environment = {
    SALLYPORT_LISTENER_THREADS: String(threads),
    [FAULT_VARIABLE]: JSON.stringify(fault),
  }
  const all = JSON.stringify({ ...(JSON.parse(text) as object), ...sections })
  return serveGateway(test, all, environment, FAULT_FLAGS)
}

async function expectEnd(command: SpawnedCommand, exitCode: number): Promise<void> {
  await eventually('it has ended', () => command.hasEnded, END_MS_MAX)
  const end = await command.ended()
  assert.deepEqual(end, { exitCode, signal: null }, command.errors.join('\n'))
}

async function ask(port: number, path: string): Promise<RawConnection | null> {
  const client = await openRaw({ port }).catch(() => null)
  client?.send(`GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`)
  return client
}

/** Requests that wait for the upstream, in both threads: one that lives keeps the instance up. */
async function holdBoth(port: number) {
  const clients: RawConnection[] = []
  const heldBefore = upstream.heldCount
  for (let count = 0; count < CLIENTS; count += 1) {
    const client = await ask(port, '/held')
    if (client !== null) clients.push(client)
  }
  await eventually('all are held', () => upstream.heldCount === heldBefore + CLIENTS)
  const release = (): void => {
    upstream.answerAfter(heldBefore)
  }
  return { clients, release }
}

/** Longer than a thread needs to start. */
async function expectNoListener(port: number, durationMs: number): Promise<void> {
  const endsAtMs = performance.now() + durationMs
  while (performance.now() < endsAtMs) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.equal(await ask(port, '/x'), null, 'a thread listens again')
  }
}

function timesLogged(command: SpawnedCommand, event: string): number {
  return command.output.filter((line) => line.includes(`"event":"${event}"`)).length
}

describe('a connection that the kernel has established', () => {
  it('is answered, even if no thread had accepted it when it stopped accepting', async (test) => {
    const drain = { delay: '0s', timeout: '10s' }
    const { command, port } = await serve(test, { thread: 0, kind: 'pause' }, drain, 1)
    const askAll = () => Promise.all(Array.from({ length: CLIENTS }, () => ask(port, '/x')))
    command.signal('SIGUSR2')
    await eventually('the thread accepts nothing', async () => {
      const probe = await ask(port, '/x')
      return probe !== null && (await isSilent(probe))
    })
    // Before the signal: soon after it, no more handshakes are begun.
    const established = (await askAll()).filter((client) => client !== null)
    command.signal('SIGTERM')
    await command.logged('draining')
    assert.ok(established.length > 0, 'no connection was established')
    for (const client of established) {
      assert.equal(soleAnswer(await client.waitForAnswers(1)).body.toString(), 'ok')
    }
    await expectEnd(command, 0)
  })
})

/** Whether there is no answer while one from a thread that runs would have come. */
async function isSilent(client: RawConnection): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, 100))
  const silent = client.text === ''
  client.socket.destroy()
  return silent
}

describe('a listener thread that dies', () => {
  it('is replaced while the instance still accepts connections', async (test) => {
    const fault = { thread: 0, kind: 'throw' } as const
    const { command, port } = await serve(test, fault, { delay: '1m', timeout: '1s' }, 1)
    command.signal('SIGTERM')
    await command.logged('draining')
    command.signal('SIGUSR2')
    await eventually('its successor listens', () => timesLogged(command, 'listener_started') === 2)
    const client = await ask(port, '/x')
    assert.equal(soleAnswer((await client?.waitForAnswers(1)) ?? []).status, 200)
  })

  it('has no successor that listens, if that was starting meanwhile', async (test) => {
    const redis = createTcpServer((socket) => socket.on('error', () => {}).resume())
    test.after(() => redis.close())
    const port = await listen(redis)
    // A thread waits that long for Redis before it listens.
    const connectTimeout = '2s'
    const sections = { redis: { nodes: [`127.0.0.1:${port}`], connectTimeout }, sessions: {} }
    const fault = { thread: 0, kind: 'throw' } as const
    const drain = { delay: '500ms', timeout: '1m' }
    const { command, port: gatewayPort } = await serve(test, fault, drain, 2, sections)
    const { clients, release } = await holdBoth(gatewayPort)
    command.signal('SIGTERM')
    await command.logged('draining')
    command.signal('SIGUSR2')
    await command.logged('listener_restarted')
    await eventually('it refuses connections', async () => (await ask(gatewayPort, '/x')) === null)
    await expectNoListener(gatewayPort, 3_000)
    assert.equal(timesLogged(command, 'listener_started'), 2)
    release()
    assert.ok(clients.some(({ closed }) => !closed))
    await expectEnd(command, 0)
  })

  it('has no successor once the instance accepts no more', async (test) => {
    const fault = { thread: 0, kind: 'throw' } as const
    const { command, port } = await serve(test, fault, { delay: '0s', timeout: '1m' }, 2)
    const { clients, release } = await holdBoth(port)
    command.signal('SIGTERM')
    await eventually('it refuses connections', async () => (await ask(port, '/x')) === null)
    command.signal('SIGUSR2')
    await eventually('the thread has died', () => clients.some(({ closed }) => closed))
    await expectNoListener(port, 2_000)
    assert.equal(timesLogged(command, 'listener_restarted'), 0)
    release()
    const alive = clients.filter(({ closed }) => !closed)
    assert.ok(alive.length > 0, 'the other thread holds some')
    for (const client of alive) {
      assert.equal(soleAnswer(await client.waitForAnswers(1)).body.toString(), 'at last')
    }
    await expectEnd(command, 0)
  })
})

describe('a listener thread whose event loop is stuck', () => {
  it('does not keep the process from ending', async (test) => {
    const fault = { thread: 0, kind: 'block' } as const
    const { command } = await serve(test, fault, { delay: '0s', timeout: '100ms' })
    command.signal('SIGUSR2')
    command.signal('SIGTERM')
    await command.logged('listeners_stuck')
    await eventually('it has ended', () => command.hasEnded, END_MS_MAX)
  })
})

describe('a failure in the supervisor that nothing catches', () => {
  for (const kind of ['throw', 'reject'] as const) {
    it(`ends the process with 1 and a message: ${kind}`, async (test) => {
      const fault = { thread: null, kind }
      const { command, port } = await serve(test, fault, { delay: '1m', timeout: '1m' })
      const heldBefore = upstream.heldCount
      const client = await ask(port, '/held')
      await eventually('a request runs', () => upstream.heldCount > heldBefore)
      command.signal('SIGUSR2')
      await expectEnd(command, 1)
      await client?.waitForClose()
      assert.match(command.errors.join('\n'), /^sallyport: unexpected failure: Error at .+$/)
    })
  }
})
