import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  dispatchWithGatewayFields,
  FIRST_OWN_FIELD,
  gatewayFieldsAreWaiting,
} from '../../src/proxy/gateway-fields.ts'
import type { DispatchOptions, UpstreamConnection } from '../../src/proxy/upstream-connection.ts'
import { UpstreamTarget } from '../../src/proxy/upstream-target.ts'
import type { DispatchEvents } from '../../src/resilience/http-client.ts'
import { type Echo, startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

let upstream: UpstreamServer
let target: UpstreamTarget

before(async () => {
  upstream = await startEchoUpstream()
  target = new UpstreamTarget(upstream.origin, {
    upstream: 'only',
    connections: 1,
    pendingMax: 10,
    connectTimeoutMs: 2_000,
    keepAliveTimeoutMs: 1_000,
    responseHeaderBytesMax: 16_384,
    host: { kind: 'client' },
    tls: { ca: null, certificate: null, key: null },
  })
})

after(async () => {
  await target.destroy()
  await upstream.close()
})

const OPTIONS: DispatchOptions = {
  path: '/any',
  method: 'GET',
  headers: ['host', 'gateway.test', 'accept', '*/*'],
  body: null,
  blocking: false,
  servername: '127.0.0.1',
}
const OWN_FIELDS = '192.0.2.7\r\nx-user-id: user-1\r\nx-user-roles: a,b\r\nx-request-id: r-1'

/** Collects the answer's body; the promise rejects when the request fails. */
function listen(): { readonly events: DispatchEvents; readonly body: Promise<string> } {
  let resolve: (text: string) => void = () => undefined
  let reject: (error: Error) => void = () => undefined
  const body = new Promise<string>((onText, onError) => {
    resolve = onText
    reject = onError
  })
  let text = ''
  const events: DispatchEvents = {
    onConnect: () => undefined,
    onHeaders: () => true,
    onData: (chunk: Buffer) => {
      text += chunk.toString()
      return true
    },
    onComplete: () => resolve(text),
    onError: (error: Error) => reject(error),
  }
  return { events, body }
}

/** Sends a request on the one connection. @returns What the upstream received. */
async function echoed(headers: readonly string[], gatewayFields: string): Promise<Echo> {
  const connection = target.take()
  assert.ok(connection, 'no connection is free')
  const { events, body } = listen()
  const areIn = dispatchWithGatewayFields(
    connection,
    { ...OPTIONS, headers: [...headers] },
    events,
    gatewayFields,
  )
  assert.equal(areIn, true)
  const echo = JSON.parse(await body) as Echo
  target.giveBack(connection)
  return echo
}

describe('the fields that the gateway itself wrote', () => {
  it('all reach the upstream, in order, behind those of the client', async () => {
    const { rawHeaders } = await echoed(OPTIONS.headers, OWN_FIELDS)
    const expected = [
      ...['accept', '*/*'],
      ...[FIRST_OWN_FIELD, '192.0.2.7'],
      ...['x-user-id', 'user-1'],
      ...['x-user-roles', 'a,b'],
      ...['x-request-id', 'r-1'],
    ]
    assert.deepEqual(rawHeaders.slice(rawHeaders.indexOf('accept')), expected)
  })

  it('belong to one request: the next one on the connection has its own, or none', async () => {
    const first = await echoed(OPTIONS.headers, OWN_FIELDS)
    assert.equal(first.headers['x-user-id'], 'user-1')
    const second = await echoed(OPTIONS.headers, '192.0.2.8\r\nx-user-id: user-2')
    assert.equal(second.headers['x-user-id'], 'user-2')
    assert.equal(second.headers[FIRST_OWN_FIELD], '192.0.2.8')
    const third = await echoed(OPTIONS.headers, '')
    assert.equal(third.headers['x-user-id'], undefined)
    assert.equal(third.headers[FIRST_OWN_FIELD], undefined)
  })

  it('are known to be missing when a request was not announced, and wait for no other', async () => {
    const waited: boolean[] = []
    const silent: Pick<UpstreamConnection, 'dispatch'> = {
      dispatch: () => {
        waited.push(gatewayFieldsAreWaiting())
      },
    }
    assert.equal(dispatchWithGatewayFields(silent, OPTIONS, listen().events, OWN_FIELDS), false)
    assert.deepEqual(waited, [true])
    assert.equal(gatewayFieldsAreWaiting(), false)
    const { headers } = await echoed(OPTIONS.headers, '')
    assert.equal(headers['x-user-id'], undefined)
  })
})
