/** What pages in a real Chromium can read, and what they can send. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { findBrowser, HeadlessBrowser } from '../support/headless-browser.ts'
import { liveToken, wallSeconds } from '../support/live-token.ts'
import { AUDIENCE, ISSUER, mintKey } from '../support/mint-token.ts'
import { reservePort } from '../support/reserved-port.ts'
import { type SharingUpstream, startSharingUpstream } from '../support/sharing-upstream.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

/** Names on plain http, for which a browser sends no `Sec-Fetch-Site`. */
const NAMES = '--host-resolver-rules=MAP *.test 127.0.0.1'
const SECRET = 's'.repeat(32)

const program = findBrowser()
const skip = program === null ? 'CORS IS NOT TESTED IN A BROWSER: install chromium' : false
if (skip !== false) process.stderr.write(`${skip}\n`)

interface Seen {
  readonly status: number
  readonly challenge: string | null
  readonly requestId: string | null
  readonly retryAfter: string | null
  readonly rateLimit: string | null
  readonly etag: string | null
  readonly text: string
}

describe('a page in Chromium', { skip }, () => {
  let browser: HeadlessBrowser
  /** Serves pages, and is the service behind the gateway. */
  let upstream: SharingUpstream
  let gateway: TestGateway
  let token: string
  let expired: string
  let sessionId: string
  let otherSessionId: string

  before(async () => {
    browser = await HeadlessBrowser.open(program ?? '', [NAMES])
    upstream = await startSharingUpstream()
    const closed = await reservePort()
    const cors = {
      origins: [`http://app.shop.test:${upstream.port}`],
      exposedHeaders: ['ETag'],
      credentials: true,
    }
    gateway = await openGateway({
      upstream: upstream.origin,
      upstreams: { down: { targets: [`http://127.0.0.1:${closed}`] } },
      issuers: {
        main: { issuer: ISSUER, audiences: [AUDIENCE], algorithms: ['HS256'], secret: SECRET },
      },
      sessions: { store: 'memory', cookie: 'sid' },
      rateLimits: { one: { perAddress: { rate: '1/h', burst: 1 } } },
      routes: {
        '/orders/*': { authenticate: ['jwt'], cors },
        '/plain/*': { authenticate: ['jwt'] },
        '/me/*': { authenticate: ['session'], cors },
        '/limited/*': { authenticate: 'none', rateLimit: 'one', cors },
        '/down/*': { authenticate: 'none', upstream: 'down', cors },
        '/open/*': { authenticate: 'none' },
      },
    })
    const key = { ...mintKey('HS256'), signingKey: Buffer.from(SECRET) }
    token = liveToken(key, ISSUER, { sub: 'alice' })
    expired = liveToken(key, ISSUER, { sub: 'alice', exp: wallSeconds() - 600 })
    sessionId = await newSession('alice')
    otherSessionId = await newSession('mallory')
  })

  after(async () => {
    await gateway.stop()
    await upstream.close()
    await browser.close()
  })

  const api = () => `http://api.shop.test:${gateway.port}`
  const app = () => `http://app.shop.test:${upstream.port}/page`

  async function newSession(userId: string): Promise<string> {
    const created = await fetch(`${gateway.adminOrigin}/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ userId }),
    })
    return ((await created.json()) as { readonly id: string }).id
  }

  /** As a login service does, on a page of the gateway itself; then back to the app. */
  async function login(id: string): Promise<void> {
    await visit(`${api()}/open/page`)
    await browser.evaluate(`document.cookie = 'sid=${id}; path=/'`)
    await visit(app())
  }

  /** Beside the pages, and what browsers ask for by themselves. */
  const reached = () => upstream.asked.filter((asked) => / \/(?:orders|me|down)\//.test(asked))

  async function visit(url: string): Promise<void> {
    await browser.open(url)
    await eventually('the page is there', () =>
      browser.evaluate<boolean>(
        `location.href === ${JSON.stringify(url)} && document.title === 'page'`,
      ),
    )
  }

  /** @returns What `fetch` gives the page, or the name of the error that it throws. */
  function fetched(url: string, options: object = {}): Promise<Seen | string> {
    const field = (name: string) => `answer.headers.get('${name}')`
    return browser.evaluate(`(async () => {
      try {
        const answer = await fetch(${JSON.stringify(url)}, ${JSON.stringify(options)})
        return {
          status: answer.status,
          challenge: ${field('www-authenticate')},
          requestId: ${field('x-request-id')},
          retryAfter: ${field('retry-after')},
          rateLimit: ${field('ratelimit')},
          etag: ${field('etag')},
          text: await answer.text(),
        }
      } catch (error) { return error.name }
    })()`)
  }

  async function seen(url: string, options: object = {}): Promise<Seen> {
    const answer = await fetched(url, options)
    assert.ok(typeof answer !== 'string', `${url}: ${JSON.stringify(answer)}`)
    return answer
  }

  const withToken = (text: string, method = 'GET') => ({
    method,
    headers: { authorization: `Bearer ${text}`, 'content-type': 'application/json' },
  })

  describe('of an origin that may read', () => {
    before(() => visit(app()))

    it('sees status, challenge and id of a refusal for an expired token', async () => {
      const refused = await seen(`${api()}/orders/1`, withToken(expired))
      assert.equal(refused.status, 401)
      assert.match(refused.challenge ?? '', /^Bearer realm="sallyport".*error="invalid_token"/)
      assert.match(refused.text, /"error":"token_expired"/)
      assert.ok(refused.text.includes(refused.requestId ?? 'none'))
    })

    it('sees the answer, with the fields that it may see, once its token is good', async () => {
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const answer = await seen(`${api()}/orders/1`, withToken(token, method))
        assert.deepEqual([answer.status, answer.text, answer.etag], [200, 'read', '"1"'])
      }
    })

    it('sees when to come back, and that a service is down', async () => {
      await seen(`${api()}/limited/1`)
      const limited = await seen(`${api()}/limited/1`)
      assert.equal(limited.status, 429)
      assert.ok(Number(limited.retryAfter) > 0)
      assert.match(limited.rateLimit ?? '', /r=0/)
      const down = await seen(`${api()}/down/1`)
      assert.equal(down.status, 502)
      assert.match(down.text, /upstream_unreachable/)
      assert.equal((await seen(`${api()}/nowhere`)).status, 404)
      assert.equal((await seen(`${api()}/orders//1`)).status, 400)
    })

    it('sees answers to its cookies, and why a POST with them was refused', async () => {
      await login(sessionId)
      const passed = await seen(`${api()}/me/1`, { credentials: 'include' })
      assert.deepEqual([passed.status, passed.text], [200, 'read'])
      const refused = await seen(`${api()}/me/1`, { method: 'POST', credentials: 'include' })
      assert.equal(refused.status, 403)
      assert.match(refused.text, /csrf_rejected/)
    })

    it('stays logged in when a page of a sibling domain sets a cookie of that name', async () => {
      const tossed = async (value: string, path: string) => {
        await visit(`http://blog.shop.test:${upstream.port}/page`)
        await browser.evaluate(`document.cookie = 'sid=${value}; domain=shop.test; path=${path}'`)
        await visit(app())
        return seen(`${api()}/me/1`, { credentials: 'include' })
      }
      assert.equal((await tossed('rubbish', '/me')).text, 'read')
      assert.equal((await tossed(sessionId, '/')).text, 'read')
      const fixated = await tossed(otherSessionId, '/me/')
      assert.equal(fixated.status, 400)
      assert.match(fixated.text, /invalid_request/)
      await tossed('; max-age=0', '/me/')
    })

    it('cannot read what a route without cors answers', async () => {
      assert.equal(await fetched(`${api()}/plain/1`, withToken(token)), 'TypeError')
    })
  })

  describe('of any other origin', () => {
    before(() => visit(`http://evil.test:${upstream.port}/page`))

    it('can neither read nor send anything but what every page can', async () => {
      const before = reached()
      for (const method of ['GET', 'PUT']) {
        assert.equal(await fetched(`${api()}/orders/1`, withToken(token, method)), 'TypeError')
      }
      assert.deepEqual(reached(), before, 'the preflight stopped it')
      assert.equal(await fetched(`${api()}/orders/1`), 'TypeError')
      assert.equal(await fetched(`${api()}/limited/1`), 'TypeError')
      assert.equal(await fetched(`${api()}/nowhere`), 'TypeError')
    })
  })

  describe('of the gateway’s own origin, on plain http', () => {
    before(async () => {
      await login(sessionId)
      await visit(`${api()}/open/page`)
    })

    it('sends what changes something with its session, without Sec-Fetch-Site', async () => {
      const answer = await seen('/me/1', { method: 'POST' })
      assert.deepEqual([answer.status, answer.text], [200, 'read'])
    })

    it('does so no longer under another port, or with an origin that is hidden', async () => {
      await visit(`http://api.shop.test:${upstream.port}/page`)
      const other = await fetched(`${api()}/me/1`, { method: 'POST', credentials: 'include' })
      assert.equal(other, 'TypeError')
      const before = reached()
      await browser.evaluate(`fetch('${api()}/me/2', {
        method: 'POST', mode: 'no-cors', credentials: 'include', referrerPolicy: 'no-referrer',
      }).then(() => null)`)
      assert.deepEqual(reached(), before)
    })
  })
})
