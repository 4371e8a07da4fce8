/** Parameters of paths that a claim must equal, through a whole gateway. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { echoOf, outcomeOf } from '../support/gateway-answer.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import { AUDIENCE, mintKey } from '../support/mint-token.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const ISSUER = 'https://idp.example.com/'
const REFUSED_PATH = '/users/carol'
const REFUSED = '403 insufficient_scope'
const key = mintKey('ES256', 'key')

let keys: FaultyServer
let gateway: TestGateway

before(async () => {
  keys = await FaultyServer.start()
  keys.publish(publishedJwk(key))
  const own = { require: { claims: [{ claim: 'subject', equalsPathParameter: 'id' }] } }
  gateway = await openGateway({
    issuers: {
      main: {
        issuer: ISSUER,
        audiences: [AUDIENCE],
        algorithms: ['ES256'],
        jwks: { uri: keys.jwksUri, allowInsecureHttp: true },
      },
    },
    authenticate: ['jwt'],
    accessLog: 1,
    routes: { '/users/:id': own, '/users/:id/files/*': own, '/*': {} },
  })
})

after(async () => {
  await gateway.stop()
  await keys.down()
})

async function outcome(path: string, subject: string): Promise<string> {
  return outcomeOf(await gateway.ask(path, bearer(liveToken(key, ISSUER, { sub: subject }))))
}

describe('a claim that must equal a parameter of the path', () => {
  it('lets callers to what is theirs, and to nothing of others, cached or not', async () => {
    for (let times = 0; times < 2; times += 1) {
      assert.equal(await outcome('/users/alice', 'alice'), 'passed')
      assert.equal(await outcome('/users/alice/files/1/2', 'alice'), 'passed')
      assert.equal(await outcome('/users/bob', 'alice'), REFUSED)
      assert.equal(await outcome('/users/bob/files/alice', 'alice'), REFUSED)
      assert.equal(await outcome('/users/Alice', 'alice'), REFUSED)
    }
  })

  it('holds for no spelling that a service could read as another name', async () => {
    for (const [path, subject] of [
      ['/users/a%2562c', 'abc'],
      ['/users/a%2Fb', 'a/b'],
      ['/users/alice;x=1', 'alice'],
      ['/users/alice;x=1', 'alice;x=1'],
      ['/users/alice.', 'alice.'],
      ['/users/a$b', 'a$b'],
    ] as const) {
      assert.notEqual(await outcome(path, subject), 'passed', `${path} for ${subject}`)
    }
  })

  it('is compared with what the service gets, whatever the client wrote', async () => {
    const answer = await gateway.ask('/users/a%62c', bearer(liveToken(key, ISSUER, { sub: 'abc' })))
    assert.equal(outcomeOf(answer), 'passed')
    assert.equal(echoOf(answer).url, '/users/abc')
  })

  it('is named in the log without the value', async () => {
    assert.equal(await outcome(REFUSED_PATH, 'alice'), REFUSED)
    const told = () => gateway.log.filter(({ detail }) => typeof detail === 'string')
    await eventually('the line is there', () => told().some(({ path }) => path === REFUSED_PATH))
    for (const line of told()) assert.equal(line['detail'], 'require.claims[0] (subject)')
  })
})
