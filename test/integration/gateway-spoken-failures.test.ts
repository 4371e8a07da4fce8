/** What goes wrong behind the gateway is told, once per change, in the words of the tables. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import {
  IntrospectionServer,
  json,
  newOpaqueToken,
  status,
} from '../support/introspection-server.ts'
import { newSessionId, sha256 } from '../support/stored-credentials.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import {
  startEchoUpstream,
  startRawUpstream,
  type UpstreamServer,
} from '../support/upstream-servers.ts'

const ONE_THREAD = { SALLYPORT_LISTENER_THREADS: '1' }

/** What the log says of an event, but for what every line has. */
function told(gateway: TestGateway, ...events: readonly string[]) {
  return gateway.log
    .filter(({ event }) => events.includes(String(event)))
    .map(({ level: _l, time: _t, stream: _s, thread: _h, ...rest }) => rest)
}

describe('the log of a gateway whose introspection endpoint takes another secret', () => {
  let endpoint: IntrospectionServer
  let gateway: TestGateway

  before(async () => {
    endpoint = await IntrospectionServer.start()
    gateway = await openGateway({
      issuers: {
        opaque: endpoint.issuer('opaque', {
          circuitBreaker: { failureThreshold: 3, recoveryTimeout: '300ms', halfOpenRequests: 1 },
        }),
      },
      authenticate: ['introspection'],
      accessLog: 1,
      environment: ONE_THREAD,
    })
  })
  after(() => endpoint.down())

  const askOpaque = () => gateway.ask('/x', { authorization: `Bearer ${newOpaqueToken()}` })

  it('says so once, and when the breaker opens and closes', async () => {
    endpoint.reply = status(401)
    for (let count = 0; count < 20; count += 1) assert.equal((await askOpaque()).status, 503)
    await eventually('the breaker is told', () =>
      Promise.resolve(told(gateway, 'circuit_opened').length > 0),
    )
    assert.deepEqual(told(gateway, 'introspection_failed'), [
      {
        event: 'introspection_failed',
        issuer: 'opaque',
        reason: 'client_rejected',
        status: 401,
        suppressed: 0,
      },
    ])
    assert.deepEqual(told(gateway, 'circuit_opened')[0], {
      event: 'circuit_opened',
      issuer: 'opaque',
      callers: 'all',
    })
    endpoint.reply = json({ active: false })
    await eventually('the breaker closes', async () => {
      await askOpaque()
      return told(gateway, 'circuit_closed').length > 0
    })
  })

  it('is counted by result, and by security event', async () => {
    const labels = { issuer: 'opaque', result: 'client_rejected' }
    assert.ok((await gateway.metric('sallyport_introspection_requests_total', labels)) >= 3)
    assert.ok((await gateway.metric('sallyport_introspection_circuit_opened_total', {})) >= 1)
    const event = { event: 'introspection_failed' }
    assert.ok((await gateway.metric('sallyport_security_events_total', event)) >= 1)
  })
})

describe('the log of a gateway with a target that goes away', () => {
  let steady: UpstreamServer
  let shaky: UpstreamServer
  let gateway: TestGateway

  before(async () => {
    steady = await startEchoUpstream()
    shaky = await startRawUpstream(() => 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
    gateway = await openGateway({
      upstream: { targets: [steady.origin, shaky.origin], probeInterval: '300ms' },
      upstreams: { dead: { targets: ['http://127.0.0.1:9'] } },
      accessLog: 1,
      environment: ONE_THREAD,
    })
  })
  after(async () => {
    await steady.close()
    await shaky.close()
  })

  it('says why a 502 was one, in the access line and once as an event', async () => {
    for (let count = 0; count < 5; count += 1) {
      assert.equal((await gateway.ask('/dead/17?secret=1', {}, 'POST')).status, 502)
    }
    const lines = () => gateway.log.filter(({ route }) => route === 'atdead')
    await eventually('all lines', () => Promise.resolve(lines().length === 5))
    const { outcome, code, reason, detail, upstream, target, path, hasQuery, clientAddress, host } =
      lines()[0] ?? {}
    assert.deepEqual(
      [outcome, code, reason, detail, upstream, target],
      [
        ...['upstream_failed', 'upstream_unreachable', 'upstream_unreachable'],
        ...['connect_refused', 'dead', 'http://127.0.0.1:9'],
      ],
    )
    assert.deepEqual(
      [path, hasQuery, clientAddress, host],
      ['/dead/17', true, '127.0.0.1', 'gateway.test'],
    )
    const events = told(gateway, 'upstream_failed').filter(({ upstream: of }) => of === 'dead')
    assert.ok(events.length >= 1 && events.length < 5, JSON.stringify(events))
    const [{ suppressed: _s, ...first } = {}] = events
    assert.deepEqual(first, {
      event: 'upstream_failed',
      upstream: 'dead',
      target: 'http://127.0.0.1:9',
      cause: 'connect_refused',
      reason: 'upstream_unreachable',
      errorCode: 'ECONNREFUSED',
    })
  })

  it('says that it is ejected, and that it is back, once each', async () => {
    const changes = () =>
      told(gateway, 'upstream_target_ejected', 'upstream_target_returned')
        .filter(({ upstream }) => upstream === 'only')
        .map(({ event, target, reason }) => [event, target, reason])
    await shaky.close()
    await eventually('it is ejected', async () => {
      assert.equal((await gateway.ask('/x')).status, 200)
      return changes().length > 0
    })
    const ejected = ['upstream_target_ejected', shaky.origin, 'upstream_unreachable']
    assert.deepEqual(changes(), [ejected])
    const labels = { upstream: 'only' }
    assert.equal(await gateway.metric('sallyport_upstream_targets', labels), 2)
    assert.equal(await gateway.metric('sallyport_upstream_ejections_total', labels), 1)
    assert.ok((await gateway.metric('sallyport_upstream_retries_total', labels)) >= 1)
    assert.ok((await gateway.metric('sallyport_upstream_failures_total', labels)) >= 1)
    const returned = await startRawUpstream(
      () => 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
      shaky.port,
    )
    shaky = returned
    await eventually('it is back', async () => {
      await gateway.ask('/x')
      return changes().length > 1
    })
    assert.deepEqual(changes(), [ejected, ['upstream_target_returned', shaky.origin, undefined]])
  })
})

describe('the audit of the admin listener', () => {
  let gateway: TestGateway
  const token = 'token-of-the-admin-listener'
  const authorization = `Bearer ${token}`

  before(async () => {
    gateway = await openGateway({
      sessions: { store: 'memory' },
      authenticate: ['session'],
      admin: { host: '127.0.0.1', port: 0, token },
    })
  })

  const post = (path: string, body: object, fields: Record<string, string> = { authorization }) =>
    gateway.admin(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...fields },
      body: JSON.stringify(body),
    })
  const audit = (event: string) =>
    told(gateway, event).map(({ call, kind, about, status: answered, peer }) => {
      assert.equal(peer, '127.0.0.1')
      return [call, kind, about, answered]
    })

  it('tells who asked for what, by digest, and whether it was done', async () => {
    const created = await post('/sessions', { userId: 'alice@example.com' })
    const { id, digest } = created.body as { id: string; digest: string }
    await gateway.admin(`/sessions/${id}`, { headers: { authorization } })
    await gateway.admin('/sessions?userId=alice%40example.com', {
      method: 'DELETE',
      headers: { authorization },
    })
    const revoked = await post('/revocations', { sid: newSessionId() })
    const lifted = await gateway.admin(`/revocations/${String(revoked.body['id'])}`, {
      method: 'DELETE',
      headers: { authorization },
    })
    assert.deepEqual([revoked.status, lifted.status], [201, 200])
    await eventually('all are told', () => Promise.resolve(audit('admin_call').length === 5))
    assert.deepEqual(audit('admin_call'), [
      ['POST /sessions', 'created', digest, 201],
      ['GET /sessions', 'id', digest, 200],
      ['DELETE /sessions', 'user', sha256('alice@example.com'), 200],
      ['POST /revocations', 'sid', revoked.body['id'], 201],
      ['DELETE /revocations', 'lifted', revoked.body['id'], 200],
    ])
    assert.equal(digest, sha256(id))
  })

  it('tells what was refused, and who had no right to ask', async () => {
    await post('/sessions', { userId: 7 })
    await gateway.admin('/backchannel-logout', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'logout_token=nonsense',
    })
    await post('/revocations', { sub: 'alice@example.com' }, { authorization: 'Bearer guess' })
    await eventually('all are told', () =>
      Promise.resolve(told(gateway, 'admin_access_refused').length === 1),
    )
    assert.deepEqual(audit('admin_call_refused'), [
      ['POST /sessions', null, null, 400],
      ['POST /backchannel-logout', null, null, 400],
    ])
    assert.deepEqual(told(gateway, 'admin_access_refused'), [
      {
        event: 'admin_access_refused',
        reason: 'bad_token',
        endpoint: '/revocations',
        peer: '127.0.0.1',
        suppressed: 0,
      },
    ])
  })

  it('is complete, however many calls there are', async () => {
    const before = audit('admin_call').length
    for (let count = 0; count < 30; count += 1) await post('/sessions', { userId: 'many' })
    await eventually('all are told', () =>
      Promise.resolve(audit('admin_call').length === before + 30),
    )
  })
})
