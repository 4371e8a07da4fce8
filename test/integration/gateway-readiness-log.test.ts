import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { es256Jwk } from '../support/key-documents.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const TOLD = ['listening', 'ready', 'not_ready', 'draining', 'stopped']

function toldBy({ log }: TestGateway): readonly string[] {
  return log
    .filter(({ event }) => TOLD.includes(String(event)))
    .map(({ event, status, waitingForIssuers }) =>
      event === 'not_ready'
        ? `${String(status)} ${JSON.stringify(waitingForIssuers)}`
        : String(event),
    )
}

async function tells(gateway: TestGateway, expected: readonly string[]): Promise<void> {
  await eventually(`the log says ${expected.join(', ')}`, () =>
    Promise.resolve(toldBy(gateway).length >= expected.length),
  )
  assert.deepEqual(toldBy(gateway), expected)
}

describe('the log of a gateway', () => {
  it('says when it becomes ready, and when it stops being ready', async (context) => {
    const issuer = await FaultyServer.start()
    context.after(() => issuer.down())
    issuer.publish(es256Jwk('one'))
    issuer.behaviour = 'error'
    const gateway = await openGateway({
      issuers: {
        late: {
          issuer: 'https://idp.example.com/',
          audiences: ['api'],
          jwks: { uri: issuer.jwksUri },
        },
      },
      authenticate: ['jwt'],
      environment: { SALLYPORT_LISTENER_THREADS: '1' },
    })
    const start = ['listening', 'waiting_for_keys ["late"]']
    await tells(gateway, start)

    issuer.behaviour = 'good'
    await tells(gateway, [...start, 'ready'])

    await gateway.crashListener(0)
    const crash = ['ready', 'not_listening []', 'ready']
    await tells(gateway, [...start, ...crash])

    await gateway.stop()
    await tells(gateway, [...start, ...crash, 'draining', 'stopped'])
  })
})
