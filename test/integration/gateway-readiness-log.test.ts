import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { es256Jwk } from '../support/key-documents.ts'
import { gatewayText } from '../support/open-gateway.ts'
import { type LogLine, type RunningGateway, startGateway } from '../support/running-gateway.ts'

const TOLD = ['listening', 'ready', 'not_ready', 'draining', 'stopped']

function toldBy({ log }: RunningGateway): readonly string[] {
  return log
    .filter(({ event }) => TOLD.includes(String(event)))
    .map(({ event, status, waitingForIssuers }: LogLine) =>
      event === 'not_ready'
        ? `${String(status)} ${JSON.stringify(waitingForIssuers)}`
        : String(event),
    )
}

async function tells(gateway: RunningGateway, expected: readonly string[]): Promise<void> {
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
    const gateway = await startGateway(
      gatewayText(['http://127.0.0.1:9'], {
        issuers: {
          late: {
            issuer: 'https://idp.example.com/',
            audiences: ['api'],
            jwks: { uri: issuer.jwksUri },
          },
        },
        authenticate: ['jwt'],
      }),
      { SALLYPORT_LISTENER_THREADS: '1' },
    )
    context.after(() => gateway.stop())
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
