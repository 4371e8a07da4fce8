/** The admin listener while somebody holds its connections. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { AdminApp } from '../../src/admin/admin-app.ts'
import type { AdminSources } from '../../src/admin/admin-endpoints.ts'
import { adminSources } from '../support/admin-sources.ts'
import { eventually } from '../support/eventually.ts'
import { soleAnswer } from '../support/proxied-answer.ts'
import { exchangeRaw, openRaw, type RawConnection } from '../support/raw-http.ts'

/** As many as there may be. */
const CONNECTIONS_MAX = 128
/** Far below every time-out of the listener. */
const SOON = { deadlineMs: 2_000 }
const TRICKLE_MS = 200
const GET = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n`
const apps: AdminApp[] = []
const connections: RawConnection[] = []

after(async () => {
  for (const { socket } of connections) socket.destroy()
  for (const app of apps) await app.close()
})

async function startApp(changed: Partial<AdminSources> = {}): Promise<number> {
  const options = { host: '127.0.0.1', port: 0, token: null }
  const app = new AdminApp(options, { ...adminSources, ...changed })
  apps.push(app)
  return app.listen()
}

async function open(port: number, text: string): Promise<RawConnection> {
  const connection = await openRaw({ port })
  connections.push(connection)
  connection.socket.on('error', () => {})
  if (text !== '') connection.send(text)
  return connection
}

async function hold(port: number, count: number, text: string): Promise<RawConnection[]> {
  const held: RawConnection[] = []
  for (let number = 0; number < count; number += 1) held.push(await open(port, text))
  return held
}

/** Sends one more byte now and again, until the connection is closed. */
function trickle(connection: RawConnection): void {
  const timer = setInterval(() => connection.socket.write('a'), TRICKLE_MS)
  connection.socket.once('close', () => clearInterval(timer))
}

const SLOW_BODY = [
  'POST /backchannel-logout HTTP/1.1',
  'Host: localhost',
  'Content-Type: application/x-www-form-urlencoded',
  'Content-Length: 60000',
  '\r\n',
].join('\r\n')

describe('connections of the admin listener', () => {
  for (const [what, text] of [
    ['nothing', ''],
    ['half a head', GET('/metrics')],
    ['half a body', SLOW_BODY],
    ['a request, answered, and stay', `${GET('/health/live')}\r\n`],
  ] as const) {
    it(`that send ${what} keep no operator and no probe out`, async () => {
      const port = await startApp()
      await hold(port, CONNECTIONS_MAX + 10, text)
      for (const path of ['/metrics', '/health/ready']) {
        const { answers } = await exchangeRaw(port, `${GET(path)}\r\n`, SOON)
        assert.equal(soleAnswer(answers).status, 200)
      }
    })
  }

  it('give way from the oldest, and those that are being served stay', async () => {
    let answer = (_text: string): void => {}
    const metrics = new Promise<string>((resolve) => {
      answer = resolve
    })
    const port = await startApp({ metrics: () => metrics })
    const served = await open(port, `${GET('/metrics')}\r\n`)
    const held = await hold(port, CONNECTIONS_MAX + 10, GET('/metrics'))
    // One place is the operator's; the first eleven others have gone.
    await eventually(
      'the oldest are closed',
      () => held.filter(({ closed }) => closed).length === 11,
    )
    assert.ok(held.slice(0, 11).every(({ closed }) => closed))
    assert.equal(served.closed, false)
    answer('sallyport_ready 1\n')
    assert.equal(soleAnswer(await served.waitForAnswers(1)).status, 200)
  })

  it('have one request at a time', async () => {
    const port = await startApp({ metrics: () => new Promise(() => {}) })
    const greedy = await open(port, `${GET('/metrics')}\r\n${GET('/metrics')}\r\n`)
    await greedy.waitForClose()
    assert.equal(greedy.text, '')
    const { answers } = await exchangeRaw(port, `${GET('/health/live')}\r\n`, SOON)
    assert.equal(soleAnswer(answers).status, 200)
  })

  it('end in bounded time, whatever is sent slowly or not read', async () => {
    const body = 'x'.repeat(50 * 2 ** 20)
    const port = await startApp({ metrics: () => Promise.resolve(body) })
    const silent = await open(port, '')
    const slowHead = await open(port, GET('/metrics'))
    trickle(slowHead)
    const slowBody = await open(port, SLOW_BODY)
    trickle(slowBody)
    const deaf = await open(port, '')
    deaf.socket.pause()
    deaf.send(`${GET('/metrics')}\r\n`)
    // Heads 5 s, whole requests 10 s, answers 15 s, and what a busy machine adds.
    await Promise.all([
      silent.waitForClose(9_000),
      slowHead.waitForClose(9_000),
      slowBody.waitForClose(14_000),
      eventually('the listener has cut it', () => isCut(deaf), 20_000),
    ])
  })
})

/** A socket that reads nothing does not see its end: a write tells. */
function isCut({ socket }: RawConnection): boolean {
  if (socket.destroyed) return true
  socket.write('\r\n')
  return false
}
