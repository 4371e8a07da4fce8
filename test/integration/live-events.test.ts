/** The stream behind the live page, and its files, without a browser. */
import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import { after, describe, it } from 'node:test'
import { AdminApp } from '../../src/admin/admin-app.ts'
import { ConnectionLimit } from '../../src/admin/connection-limit.ts'
import { EventStream, VIEWERS_MAX } from '../../src/admin/event-stream.ts'
import type { LiveRoutes, LiveSecond, LiveSource, LiveStart } from '../../src/admin/live-sample.ts'
import { PAGE_FILES } from '../../src/admin/page-files.ts'
import { adminSources, LIVE_SECOND } from '../support/admin-sources.ts'
import { eventually } from '../support/eventually.ts'
import { listen } from '../support/listening-port.ts'
import { LiveRig } from '../support/live-rig.ts'
import { soleAnswer } from '../support/proxied-answer.ts'
import { exchangeRaw, openRaw, type RawConnection } from '../support/raw-http.ts'

const opened: (() => unknown)[] = []

after(async () => {
  for (const close of opened.reverse()) await close()
})

/** Tells a second when the test says so. */
class ToldSource implements LiveSource {
  readonly watchers = new Set<(second: LiveSecond) => void>()
  readonly #start: LiveStart

  constructor(historyLength = 0) {
    const start = adminSources.live.start()
    const sample = {
      ...{ atMs: 0, seconds: 1, outcomes: [1, 2, 3], latencies: [], cache: [], refusals: [] },
      ...{ connections: 0, verifying: 0, busiest: 0 },
    }
    this.#start = { ...start, history: Array.from({ length: historyLength }, () => sample) }
  }

  start(): LiveStart {
    return this.#start
  }

  watch(onSecond: (second: LiveSecond) => void): () => void {
    this.watchers.add(onSecond)
    return () => this.watchers.delete(onSecond)
  }

  routes(): LiveRoutes {
    return LIVE_SECOND.routes
  }

  tell(second: LiveSecond = LIVE_SECOND): void {
    for (const onSecond of this.watchers) onSecond(second)
  }
}

async function serve(live: LiveSource, token: string | null = null): Promise<number> {
  const options = { host: '127.0.0.1', port: 0, token }
  const app = new AdminApp(options, { ...adminSources, live })
  opened.push(() => app.close())
  return app.listen()
}

async function view(port: number, fields = ''): Promise<RawConnection> {
  const connection = await openRaw({ port })
  connection.socket.on('error', () => {})
  opened.push(() => connection.socket.destroy())
  connection.send(`GET /events HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`)
  return connection
}

/** More than a socket takes at once. */
const LARGE_BYTES = 4_194_304

const has = (part: string) => (text: string) => text.includes(part)
const seconds = (text: string) => text.split('event: second').length - 1

describe('the stream of events', () => {
  it('begins with the history, and goes on with one event a second for all viewers', async () => {
    const source = new ToldSource(3)
    const port = await serve(source)
    const viewers = [await view(port), await view(port)]
    for (const viewer of viewers) await viewer.waitFor(has('event: start'))
    assert.equal(source.watchers.size, 1, 'each second is made once')
    source.tell()
    for (const viewer of viewers) {
      await viewer.waitFor(has('event: second'))
      assert.match(viewer.text, /^HTTP\/1\.1 200 .*content-type: text\/event-stream/is)
      assert.match(viewer.text, /cache-control: no-store/i)
    }
  })

  it('demands the token, in a header alone', async () => {
    const port = await serve(new ToldSource(), 'the-token-of-the-stream')
    const bare = await view(port)
    await bare.waitFor(has('HTTP/1.1 401'))
    const query = await exchangeRaw(
      port,
      'GET /events?token=the-token-of-the-stream HTTP/1.1\r\nHost: localhost\r\n\r\n',
    )
    assert.equal(soleAnswer(query.answers).status, 401)
    const known = await view(port, 'Authorization: Bearer the-token-of-the-stream\r\n')
    await known.waitFor(has('event: start'))
  })

  it('is not opened to a page of another origin', async () => {
    const port = await serve(new ToldSource())
    const foreign = await view(port, 'Origin: https://evil.example\r\n')
    await foreign.waitFor(has('HTTP/1.1 403'))
    assert.ok(!foreign.text.includes('event:'))
  })

  it('looks at nothing when the last viewer has gone', async () => {
    const source = new ToldSource()
    const viewer = await view(await serve(source))
    await viewer.waitFor(has('event: start'))
    viewer.destroy()
    await eventually('it is not watched', () => source.watchers.size === 0)
  })

  it(`serves ${VIEWERS_MAX} viewers, and the next one when one of them has gone`, async () => {
    const port = await serve(new ToldSource())
    const viewers: RawConnection[] = []
    for (let count = 0; count < VIEWERS_MAX; count += 1) {
      const viewer = await view(port)
      await viewer.waitFor(has('event: start'))
      viewers.push(viewer)
    }
    const tooMany = await view(port)
    await tooMany.waitFor(has('HTTP/1.1 503'))
    viewers[0]?.destroy()
    await eventually('there is room', async () => {
      const next = await view(port)
      await next.waitFor(has('HTTP/1.1 '))
      return next.text.includes('200')
    })
  })

  it('owes a viewer that does not read little, and cuts it off in the end', async () => {
    const source = new ToldSource()
    const stream = new EventStream(source)
    const responses: ServerResponse[] = []
    const server = createServer((_request, response) => {
      responses.push(response)
      stream.open(response)
    })
    opened.push(() => server.close())
    const port = await listen(server)
    const slow = await view(port)
    slow.socket.pause()
    await eventually('it is served', () => responses.length === 1)
    const reader = await view(port)
    await reader.waitFor(has('event: start'))
    const large = { ...LIVE_SECOND, events: [largeEvent()] }
    let told = 0
    let owedBytesMax = 0
    await eventually('it is cut off', () => {
      if (responses[0]?.destroyed === true) return true
      source.tell(large)
      told += 1
      owedBytesMax = Math.max(owedBytesMax, responses[0]?.writableLength ?? 0)
      return false
    })
    assert.ok(told > 30, `it was cut off after ${told} seconds`)
    assert.ok(owedBytesMax < 2 * LARGE_BYTES, `it was owed ${owedBytesMax} bytes`)
    assert.equal(responses[1]?.destroyed, false, 'who reads is not concerned')
    await reader.waitFor((text) => seconds(text) > 0)
  })

  it('outlives the time that other answers have', async () => {
    const limit = new ConnectionLimit(10, 50)
    const server = createServer()
    limit.watch(server)
    server.on('request', (request, response) => {
      if (request.url === '/events') limit.letStay(request.socket)
      response.write('begun')
    })
    opened.push(() => server.close())
    const port = await listen(server)
    const staying = await view(port)
    await staying.waitFor(has('begun'))
    const other = await openRaw({ port })
    other.socket.on('error', () => {})
    other.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await other.waitForClose()
    assert.ok(!staying.closed, 'it was opened before the other one')
  })
})

function largeEvent(): LiveSecond['events'][number] {
  const fields = { text: 'x'.repeat(LARGE_BYTES) }
  return { id: 1, time: '', level: 'warn', stream: 'security', event: 'large', fields }
}

describe('the files of the page', () => {
  it('are served without the token, also to who follows a link from another page', async () => {
    const port = await serve(new ToldSource(), 'the-token-of-the-stream')
    for (const { path, contentType } of PAGE_FILES) {
      const { answers } = await exchangeRaw(port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
      const { status, headers } = soleAnswer(answers)
      assert.equal(status, 200, path)
      assert.equal(new Map(headers).get('content-type'), contentType)
    }
    const link = 'Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n'
    const linked = async (path: string, dest: string) => {
      const head = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${link}Sec-Fetch-Dest: ${dest}\r\n\r\n`
      return soleAnswer((await exchangeRaw(port, head)).answers).status
    }
    assert.equal(await linked('/', 'document'), 200)
    assert.equal(await linked('/', 'iframe'), 403)
    assert.equal(await linked('/status', 'document'), 403)
    assert.equal(await linked('/page/page.js', 'script'), 403)
  })

  it('are all that the scripts import and the document names', () => {
    const paths = new Set(PAGE_FILES.map(({ path }) => path))
    for (const { path, body } of PAGE_FILES) {
      const named = [
        ...[...body.matchAll(/^import .* from '\.\/([a-z-]+\.js)'/gm)].map(
          (it) => `/page/${it[1]}`,
        ),
        ...[...body.matchAll(/(?:href|src)="(\/[^"]*)"/g)].map(([, name]) => name ?? ''),
      ]
      for (const name of named) assert.ok(paths.has(name), `${path} names ${name}`)
      assert.doesNotMatch(body, /https?:\/\/(?!www\.w3\.org)/, `${path} names another host`)
      assert.doesNotMatch(body, /innerHTML|outerHTML|insertAdjacent|\beval\b|document\.write/)
      assert.doesNotMatch(body, /\sstyle="|\son[a-z]+="/, `${path} has inline code or style`)
    }
  })
})

describe('GET /routes', () => {
  it('finds the busiest by a part of their names, in any case', async () => {
    const names = Array.from({ length: 3_000 }, (_, number) => `route-${number}`)
    const rig = new LiveRig(names)
    opened.push(() => rig.stop())
    await rig.start()
    const asked = async (filter: string) => {
      const response = await fetch(`${rig.origin}/routes?filter=${filter}`)
      return (await response.json()) as LiveRoutes
    }
    for (let count = 0; count < 9; count += 1) {
      rig.metrics.countForwarded(rig.metrics.routeIndex('route-77'), 200)
    }
    await eventually('it is the busiest', async () => {
      const { count, matching, routes } = await asked('')
      assert.deepEqual([count, matching, routes.length], [3_000, 3_000, 50])
      return routes[0]?.name === 'route-77' && routes[0].total === 9
    })
    const found = await asked('ROUTE-77')
    assert.deepEqual([found.matching, found.routes[0]?.name], [11, 'route-77'])
    assert.equal((await asked('nowhere')).matching, 0)
    const posted = await fetch(`${rig.origin}/routes`, { method: 'POST' })
    assert.equal(posted.status, 405)
  })
})
