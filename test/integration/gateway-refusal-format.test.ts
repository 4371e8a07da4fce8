/** Whose answer it is, and how the gateway writes its own: by route, on the wire. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Answer, statusAndCode } from '../support/gateway-answer.ts'
import { exchangeRaw } from '../support/raw-http.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { startRawUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

const FIREFOX = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }
const LIE = 'evil-7f3a'

let directory = ''
let upstream: UpstreamServer
let gateway: TestGateway

const pageFile = () => join(directory, 'page.html')
const plan = () => ({
  upstream: [upstream.origin],
  issuers: {
    main: { issuer: 'main', audiences: ['a'], algorithms: ['HS256'], secret: 's'.repeat(32) },
  },
  rateLimits: { few: { perAddress: { rate: '1/h', burst: 1 } } },
  routes: {
    '/open/*': { authenticate: 'none' },
    '/plain/*': { authenticate: ['jwt'] },
    '/named/*': { authenticate: ['jwt'], errors: { codeHeader: 'X-Shop-Error' } },
    '/named-open/*': { authenticate: 'none', errors: { codeHeader: 'X-Shop-Error' } },
    '/off/*': { authenticate: ['jwt'], errors: { codeHeader: null } },
    '/off-open/*': { authenticate: 'none', errors: { codeHeader: null } },
    '/json/*': {
      authenticate: ['jwt'],
      errors: { format: 'json', template: '{"error": {"code": "{code}", "id": "{requestId}"}}' },
    },
    '/page/*': { authenticate: ['jwt'], errors: { format: 'html', page: pageFile() } },
    '/few/*': {
      ...{ authenticate: 'none', rateLimit: 'few' },
      errors: { format: 'html', page: pageFile() },
    },
  },
})

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-pages-'))
  writeFileSync(pageFile(), '<h1>{title}</h1><p>{requestId} Grüße')
  const fields = ['X-Sallyport-Code: evil-7f3a', 'x-shop-ERROR: evil-7f3a', 'X-Own: 1']
  upstream = await startRawUpstream(
    () => `HTTP/1.1 401 Unauthorized\r\n${fields.join('\r\n')}\r\nContent-Length: 2\r\n\r\nno`,
  )
  gateway = await openGateway(plan())
})

after(async () => {
  await gateway.stop()
  await upstream.close()
  rmSync(directory, { recursive: true })
})

const codesOf = (answer: Answer) => [answer.field('x-sallyport-code'), answer.field('x-shop-error')]

describe('the field that tells an answer of the gateway from one of the upstream', () => {
  it('holds the code of every refusal, whether a route was found or not', async () => {
    assert.deepEqual(codesOf(await gateway.ask('/plain/x')), ['missing_token', null])
    assert.deepEqual(codesOf(await gateway.ask('/nowhere')), ['route_not_found', null])
    assert.deepEqual(codesOf(await gateway.ask('/named/x')), [null, 'missing_token'])
    assert.deepEqual(codesOf(await gateway.ask('/off/x')), [null, null])
    const { text } = await exchangeRaw(gateway.port, 'GET /a//b HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.match(text, /\r\nx-sallyport-code: invalid_request\r\n/i)
    const head = await gateway.ask('/plain/x', {}, 'HEAD')
    assert.deepEqual([head.status, ...codesOf(head)], [401, 'missing_token', null])
  })

  it('is never what an upstream says in it, in any case; other routes keep theirs', async () => {
    for (const [path, expected] of [
      ['/open/x', [null, LIE]],
      ['/named-open/x', [LIE, null]],
      ['/off-open/x', [LIE, LIE]],
    ] as const) {
      const answer = await gateway.ask(path)
      assert.deepEqual([answer.status, answer.field('x-own')], [401, '1'])
      assert.deepEqual(codesOf(answer), expected, path)
    }
  })
})

describe('the body of a refusal', () => {
  it('is the JSON of the operator where a route has a template', async () => {
    const answer = await gateway.ask('/json/x', FIREFOX)
    assert.equal(answer.field('content-type'), 'application/json')
    const id = answer.field('x-request-id')
    assert.deepEqual(JSON.parse(answer.text), { error: { code: 'missing_token', id } })
    assert.match(answer.field('www-authenticate') ?? '', /^Bearer /)
    assert.equal(answer.field('cache-control'), 'no-store')
  })

  it('is a page for browsers and a problem document for programs, by Accept', async () => {
    const page = await gateway.ask('/page/x', FIREFOX)
    assert.equal(page.status, 401)
    assert.equal(page.field('content-type'), 'text/html; charset=utf-8')
    assert.equal(page.field('vary'), 'Accept')
    const id = page.field('x-request-id')
    assert.equal(page.text, `<h1>Authentication required</h1><p>${id} Grüße`)
    const curl = await gateway.ask('/page/x', { accept: '*/*' })
    assert.deepEqual([statusAndCode(curl), curl.field('vary')], ['401 missing_token', 'Accept'])
    const head = await gateway.ask('/page/x', FIREFOX, 'HEAD')
    assert.equal(head.field('content-length'), String(Buffer.byteLength(page.text)))
    assert.equal(head.text, '')
  })

  it('keeps the fields that go with its status: 429 with Retry-After and RateLimit', async () => {
    await gateway.ask('/few/x', FIREFOX)
    const answer = await gateway.ask('/few/x', FIREFOX)
    assert.equal(answer.status, 429)
    assert.match(answer.text, /^<h1>Too many requests<\/h1>/)
    assert.match(answer.field('retry-after') ?? '', /^[0-9]+$/)
    assert.ok(answer.field('ratelimit'))
    assert.equal(answer.field('x-sallyport-code'), 'rate_limited')
  })

  it('is the default where no route was reached, whatever routes say', async () => {
    const answer = await gateway.ask('/nowhere', FIREFOX)
    assert.equal(statusAndCode(answer), '404 route_not_found')
  })

  it('has another page from a reload on, and the old one when it cannot be read', async () => {
    writeFileSync(pageFile(), 'new {code}')
    await gateway.reloaded(plan())
    assert.equal((await gateway.ask('/page/x', FIREFOX)).text, 'new missing_token')
    rmSync(pageFile())
    const { status, body } = await gateway.reload(plan())
    assert.equal(status, 422, JSON.stringify(body))
    assert.equal((await gateway.ask('/page/x', FIREFOX)).text, 'new missing_token')
  })
})
