/**
 * Encoded slashes and empty segments: refused by default, and kept by routes that say so, with one
 * meaning for what is matched and what is sent.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { echoOf, statusAndCode } from '../support/gateway-answer.ts'
import { exchangeRaw, type RawAnswer } from '../support/raw-http.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

let gateway: TestGateway

const open = { authenticate: 'none' }
const closed = { authenticate: ['apiKey'] }
const slashes = (path: string) => ({ match: { path, encodedSlash: 'keep' }, ...open })
const empty = (path: string) => ({ match: { path, emptySegments: 'keep' }, ...open })

before(async () => {
  gateway = await openGateway({
    apiKeys: { keys: [] },
    routes: {
      '/npm/-/admin/*': closed,
      '/npm/*': slashes('/npm/*'),
      '/api/projects/:id/secrets': closed,
      '/api/projects/:id': slashes('/api/projects/:id'),
      '/api/queues/:vhost/:name': slashes('/api/queues/:vhost/:name'),
      '/bucket/private/*': closed,
      '/bucket/*': empty('/bucket/*'),
      '/strict/*': open,
    },
  })
})

after(() => gateway.stop())

/** What was sent, or status and code of the refusal. */
async function sentFor(path: string): Promise<string> {
  const { answers } = await exchangeRaw(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  const answer = answers[0] as RawAnswer
  return answer.status === 200 ? echoOf(answer).url : statusAndCode(answer)
}

const BAD = '400 invalid_request'

describe('an encoded slash, where the route keeps it', () => {
  it('goes on as data: scoped packages of npm', async () => {
    assert.equal(await sentFor('/npm/@scope%2fname'), '/npm/@scope%2Fname')
    assert.equal(
      await sentFor('/npm/@scope%2Fname/-/name-1.0.0.tgz'),
      '/npm/@scope%2Fname/-/name-1.0.0.tgz',
    )
  })

  it('is in one parameter: projects of GitLab, the vhost / of RabbitMQ', async () => {
    assert.equal(await sentFor('/api/projects/group%2Fproject'), '/api/projects/group%2Fproject')
    assert.equal(await sentFor('/api/queues/%2F/orders'), '/api/queues/%2F/orders')
    assert.equal(await sentFor('/api/queues/%2Fa%2F/orders'), '/api/queues/%2Fa%2F/orders')
  })

  it('separates nothing: it makes no second segment for a route to match', async () => {
    assert.equal(await sentFor('/api/queues/a%2Fb'), BAD)
    assert.equal(await sentFor('/api%2Fprojects/a'), BAD)
    assert.equal(await sentFor('/nowhere%2Fa'), '404 route_not_found')
  })

  it('is refused where a service that decodes it finds a stricter route', async () => {
    for (const path of [
      '/npm/-%2Fadmin/users',
      '/npm/-/admin%2Fusers',
      '/npm/-%2FAdmin%2Fusers',
      '/npm/-%2F%2Fadmin/users',
      '/api/projects/1%2Fsecrets',
      '/api/projects/1%2FSECRETS',
      '/api/projects/1%2F%2Fsecrets',
      '/api/projects/1%2Fsecrets;x',
    ]) {
      assert.equal(await sentFor(path), BAD, path)
    }
  })

  it('is refused where it hides dot segments, a control character or another encoding', async () => {
    for (const path of [
      '/npm/a%2F..%2Fb',
      '/npm/a%2F..',
      '/npm/..%2Fa',
      '/npm/.%2Fa',
      '/npm/a%2F.;x/b',
      '/npm/a%2F;x',
      '/npm/a%2F%2e%2e%2Fb',
      '/npm/a%5Cb',
      '/npm/a%2F%00',
      '/npm/a%2Fb//c',
      '/npm/-%252Fadmin%252Fx',
      '/npm/%2F..%2F-%2Fadmin%2Fx',
    ]) {
      assert.equal(await sentFor(path), BAD, path)
    }
  })

  it('is refused where it leads to what the gateway itself answers', async () => {
    for (const path of ['/npm/..%2F..%2Fhealth/live', '/%2Fhealth/live', '/health%2Flive']) {
      assert.notEqual((await sentFor(path)).slice(0, 1), '/', path)
    }
  })
})

describe('empty segments, where the route keeps them', () => {
  it('go on as they are: keys of object stores', async () => {
    for (const path of ['/bucket//key', '/bucket/a//b', '/bucket/a///b//', '/bucket//']) {
      assert.equal(await sentFor(path), path)
    }
  })

  it('are refused where a service that leaves them out finds a stricter route', async () => {
    for (const path of [
      '/bucket//private/x',
      '/bucket///private//x',
      '/bucket//PRIVATE/x',
      '/bucket//private;a/x',
      '/bucket/%2Fprivate/x',
    ]) {
      assert.equal(await sentFor(path), BAD, path)
    }
  })

  it('are refused at the beginning, where they may name a server', async () => {
    for (const path of ['//bucket/x', '//evil.test/bucket/private/x', '//bucket//private/x']) {
      assert.notEqual((await sentFor(path)).slice(0, 1), '/', path)
    }
  })
})

describe('encoded slashes and empty segments, where the route does not keep them', () => {
  it('are refused with a reason, whatever other routes keep', async () => {
    for (const path of ['/strict/a%2Fb', '/strict/a//b', '/bucket/a%2Fb', '/npm/a//b']) {
      assert.equal(await sentFor(path), BAD, path)
    }
    const labels = { reason: 'path_form_not_kept' }
    assert.ok((await gateway.metric('sallyport_refusals_total', labels)) >= 4)
  })
})
