/** Claims by path in the gateway that runs: what is found, what is refused, and what is told. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { SignJWT } from 'jose'
import { eventually } from '../support/eventually.ts'
import { outcomeOf } from '../support/gateway-answer.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const SECRET = 'a secret of an issuer with nested claims, for HS256'
const ISSUER = 'https://nested.test'

let gateway: TestGateway

before(async () => {
  const issuer = { issuer: ISSUER, audiences: ['api'], algorithms: ['HS256'], secret: SECRET }
  gateway = await openGateway({
    accessLog: 1,
    environment: { SALLYPORT_LISTENER_THREADS: '1' },
    issuers: {
      nested: {
        ...issuer,
        claims: { roles: ['/realm_access/roles', { keysOf: '/access' }], email: '/misspelt/email' },
      },
    },
    identity: { headers: { custom: { 'X-Department': '/departement' } } },
    routes: {
      '/admin/*': { require: { roles: { any: ['admin'] } } },
      '/level/*': { require: { claims: [{ path: 'acces.level', equals: '3' }] } },
      '/*': {},
    },
  })
})

after(async () => {
  await gateway.stop()
})

function ask(path: string, claims: Record<string, unknown>) {
  return new SignJWT({ jti: crypto.randomUUID(), ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(ISSUER)
    .setAudience('api')
    .setSubject('alice')
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(Buffer.from(SECRET))
    .then((token) => gateway.ask(path, { authorization: `Bearer ${token}` }))
}

describe('roles at a path', () => {
  it('let a caller pass, from a list and from the names of an object', async () => {
    assert.equal(outcomeOf(await ask('/admin/x', { realm_access: { roles: ['admin'] } })), 'passed')
    assert.equal(outcomeOf(await ask('/admin/x', { access: { admin: {} } })), 'passed')
    const flat = await ask('/admin/x', { roles: ['admin'] })
    assert.equal(outcomeOf(flat), '403 insufficient_scope')
    assert.equal(
      outcomeOf(await ask('/admin/x', { access: { admin: false } })),
      '403 insufficient_scope',
    )
  })

  it('of the wrong type are 401, with a reason that names them and no value', async () => {
    const answer = await ask('/x', { realm_access: { roles: [{ name: 'SECRET-ROLE' }] } })
    assert.equal(outcomeOf(answer), '401 invalid_claims')
    const refused = () => gateway.log.find((it) => it['reason'] === 'roles_mistyped')
    await eventually('the line of the refusal', () => refused() !== undefined)
    assert.equal(refused()?.['status'], 401)
    assert.doesNotMatch(JSON.stringify(gateway.log), /SECRET-ROLE/)
    assert.doesNotMatch(answer.text, /SECRET-ROLE|realm_access/)
  })
})

describe('a path at which no token has anything', () => {
  it('is told in the log, once, with the setting that has it', async () => {
    const unmet = () => gateway.log.filter((it) => it['event'] === 'claim_path_unmet')
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(Array.from({ length: 50 }, () => ask('/x', { access: { user: {} } })))
    }
    await eventually('the lines', () => unmet().length > 2)
    assert.deepEqual(
      unmet().map(({ issuer, setting, path }) => [issuer, setting, path].join(' ')),
      [
        'nested issuers.nested.claims.email "/misspelt/email"',
        'nested identity.headers.custom.X-Department "/departement"',
        'nested routes[1].require.claims[0] "acces.level"',
      ],
    )
  })
})
