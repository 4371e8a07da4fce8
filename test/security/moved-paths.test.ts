/**
 * Paths that a route moves: no spelling of them leaves the place to which they are moved, as a
 * lenient service reads it, and none gets a prefix or an identity past the gateway.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { EMPTY_SEGMENTS, ENCODED_SLASHES } from '../../src/http/canonical-path.ts'
import { compileRoutes } from '../../src/routing/compile-routes.ts'
import { AMBIGUOUS_PATH, findRoute } from '../../src/routing/match-route.ts'
import { openRaw } from '../support/raw-http.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import type { Echo } from '../support/upstream-servers.ts'

let gateway: TestGateway

before(async () => {
  gateway = await openGateway({
    routes: {
      '/orders/*': { stripPrefix: '/orders' },
      '/t/:id/*': { stripPrefix: '/t/:id', addPrefix: '/pub' },
      '/base/*': { addPrefix: '/pub' },
      '/edited/*': {
        headers: {
          request: { set: { 'X-Env': 'prod' } },
          response: { set: { 'X-Frame-Options': 'DENY' } },
        },
      },
    },
    authenticate: 'none',
  })
})

after(() => gateway.stop())

async function sent(
  path: string,
): Promise<{ readonly status: number; readonly url: string | null }> {
  const connection = await openRaw({ port: gateway.port })
  connection.send(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`)
  const [answer] = await connection.waitForAnswers(1)
  connection.destroy()
  const status = answer?.status ?? 0
  const body = answer?.body.toString() ?? ''
  return { status, url: status === 200 ? (JSON.parse(body) as Echo).url : null }
}

/** What lenient servers take for `..`, or for the end of a segment. */
const CLIMBS = [
  ...['..', '%2e%2e', '%2E.', '%252e%252e', '.%252e', '%25252e%25252e', '..;', '..;x=y', '..%3b'],
  ...['%u002e%u002e', '%c0%ae%c0%ae', '%ef%bc%8e%ef%bc%8e', '..%20', '..%09', '..%00', '..%253fx'],
  ...['..%5c', '..%255c', '%255c..%255c', '..%2f', '..%252f', '%252f..%252f', '..%23', '..%2523'],
]

describe('A moved path', () => {
  for (const climb of CLIMBS) {
    it(`does not leave its place by ${climb}`, async () => {
      for (const path of [
        `/orders/${climb}/admin`,
        `/orders/a/${climb}/${climb}/admin`,
        // To a lenient service, the same route has what it would become: only the new place tells.
        `/t/a/${climb}/b/admin`,
        `/base/${climb}/base/admin`,
        `/t/a/x/${climb}/${climb}/b/admin`,
      ]) {
        const { status, url } = await sent(path)
        // `/base/..` does not leave `/pub`: the prefix is still in front of it.
        const isBelow = url?.startsWith('/pub/base/') === true
        assert.ok(status === 400 || status === 404 || isBelow, `${path} was sent as ${url}`)
      }
    })
  }

  for (const path of [
    ...[
      '/orders//admin',
      '/orders///admin',
      '/orders/./admin',
      '/orders/%2fadmin',
      '/orders%2fadmin',
    ],
    ...['//orders/admin', '/orders/%00admin', '/orders\\admin', '/orders/%252fadmin/..'],
  ]) {
    it(`does not begin with an empty or a dot segment: ${path}`, async () => {
      assert.equal((await sent(path)).url, null)
    })
  }

  it('is not one with an empty segment behind its prefix, though its route keeps such forms', () => {
    const keptForms = EMPTY_SEGMENTS | ENCODED_SLASHES
    const match = { path: '/orders/*', host: null, methods: [], isCaseSensitive: false, keptForms }
    const moved = compileRoutes([{ match: { ...match, strippedSegments: 1 }, target: 'x' }], [])
    const plain = compileRoutes([{ match, target: 'x' }], [])
    for (const path of ['/orders/x', '/orders/x//y', '/orders/x%2Fy']) {
      assert.equal(findRoute(moved, 'GET', path, 'a'), 'x', path)
    }
    for (const path of ['/orders//x', '/orders/%2Fx', '/orders/%2F%2Fx']) {
      assert.equal(findRoute(moved, 'GET', path, 'a'), AMBIGUOUS_PATH, path)
      assert.equal(findRoute(plain, 'GET', path, 'a'), 'x', path)
    }
  })

  it('goes on as it was matched where it stays in its place', async () => {
    assert.equal((await sent('/orders/a%252fb')).status, 200)
    assert.equal((await sent('/orders/%75sers/a;b=c?d=/../e')).url, '/users/a;b=c?d=/../e')
    assert.equal((await sent('/t/acme/x/%252e%252e/y')).url, '/pub/x/%252e%252e/y')
    assert.equal((await sent('/orders/http://evil.example/')).url, null)
    assert.equal((await sent('/orders/@evil.example/')).url, '/@evil.example/')
  })

  it('has no prefix of the client, in any spelling of the field', async () => {
    for (const name of ['X-Forwarded-Prefix', 'x_forwarded_prefix', 'X-Forwarded.Prefix']) {
      const answer = await gateway.ask('/orders/a', { [name]: '/evil' })
      const { rawHeaders } = JSON.parse(answer.text) as Echo
      assert.equal(rawHeaders.includes('/evil'), false, name)
    }
  })
})

describe('An edit of fields', () => {
  it('wins over all fields of its name that a client sends, beside identities that it made up', async () => {
    const connection = await openRaw({ port: gateway.port })
    const own = 'x-env: dev\r\nx-user-id: root\r\nX-ENV: test\r\nx_env: evil\r\n'
    connection.send(`GET /edited/a HTTP/1.1\r\nhost: a\r\n${own}\r\n`)
    const [answer] = await connection.waitForAnswers(1)
    connection.destroy()
    const { headers, rawHeaders } = JSON.parse(answer?.body.toString() ?? '') as Echo
    assert.equal(headers['x-env'], 'prod')
    assert.equal(headers['x-user-id'], undefined)
    assert.equal(
      rawHeaders.some((text) => ['dev', 'test', 'evil', 'root'].includes(text)),
      false,
    )
  })
})
