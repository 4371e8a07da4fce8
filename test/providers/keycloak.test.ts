/**
 * The way of docs/providers.md with a real Keycloak: its configuration as it stands there, its
 * traps, and what the gateway answers to each. Not part of every run: `npm run providers`.
 */
import assert from 'node:assert/strict'
import { createPublicKey, randomUUID } from 'node:crypto'
import { after, before, describe, it, type TestContext } from 'node:test'
import { SignJWT } from 'jose'
import { documentedConfiguration } from '../support/documented-provider.ts'
import { promptly } from '../support/eventually.ts'
import { type Answer, ask, echoOf, statusAndReason } from '../support/gateway-answer.ts'
import { generatedKey } from '../support/generated-key.ts'
import { reservePort } from '../support/reserved-port.ts'
import { type ServedGateway, servedFile, serveGateway } from '../support/served-gateway.ts'
import { SpawnedCommand } from '../support/spawned-command.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'
import { KeycloakRealm, PASSWORD, secretOf } from './keycloak-realm.ts'
import { type KeycloakServer, startKeycloak } from './keycloak-server.ts'

/** As docs/providers.md has them. */
const DOCUMENTED_ORIGIN = 'https://sso.example.com'
const DOCUMENTED_UPSTREAM = 'http://10.0.0.5:3000'
const REALM = 'shop'
/** The service behind the gateway, as Keycloak knows it. */
const API = 'orders'

const ORDERS = '/orders/1'
const ORDERS_ADMIN = '/orders/admin/1'
/** The route that asks Keycloak about each token. */
const PAYMENTS = '/payments/1'

type Settings = Readonly<Record<string, unknown>>

let keycloak: KeycloakServer
let upstream: UpstreamServer
before(async () => {
  upstream = await startEchoUpstream()
  keycloak = await startKeycloak()
})
after(async () => {
  await keycloak.stop()
  await upstream.close()
})

function client(clientId: string, settings: Settings = {}): Settings {
  const uses = { redirectUris: ['http://127.0.0.1:9/*'], directAccessGrantsEnabled: true }
  return { clientId, secret: secretOf(clientId), ...uses, ...settings }
}

function user(username: string, settings: Settings = {}): Settings {
  return {
    username,
    email: `${username}@example.com`,
    emailVerified: true,
    firstName: username,
    lastName: 'Tester',
    enabled: true,
    credentials: [{ type: 'password', value: PASSWORD }],
    ...settings,
  }
}

/** A realm as it is when somebody has clicked it together without thinking of the gateway. */
function createRealm(): Promise<KeycloakRealm> {
  return KeycloakRealm.create(keycloak.origin, REALM, {
    roles: { realm: [{ name: 'buyer' }], client: { [API]: [{ name: 'orders-admin' }] } },
    clients: [
      client('web', { serviceAccountsEnabled: true }),
      client('light', { attributes: { 'client.use.lightweight.access.token.enabled': 'true' } }),
      client('billing'),
      client(API),
    ],
    users: [
      user('alice', { realmRoles: ['buyer'], clientRoles: { [API]: ['orders-admin'] } }),
      user('bob', { realmRoles: ['buyer', `default-roles-${REALM}`] }),
    ],
  })
}

interface KeycloakGateway extends ServedGateway {
  readonly logoutUrl: string
  /** `200`, or the status and why the log says that it was refused. */
  judged(path: string, token: string): Promise<string>
  asked(path: string, token: string): Promise<Answer>
}

/** The documented configuration at the real addresses, as JSON. */
function documentedSections(issuer: (documented: Settings) => Settings, adminPort = 0): string {
  const { issuers, ...rest } = documentedConfiguration('Keycloak')
  const { keycloak: documented } = issuers as { readonly keycloak: Settings }
  const sections = {
    server: { host: '127.0.0.1', port: 0, drain: { delay: '0s', timeout: '200ms' } },
    admin: { host: '127.0.0.1', port: adminPort },
    issuers: { keycloak: issuer(documented) },
    ...rest,
  }
  return JSON.stringify(sections)
    .replaceAll(DOCUMENTED_ORIGIN, keycloak.origin)
    .replaceAll(DOCUMENTED_UPSTREAM, upstream.origin)
}

/** @param issuer The documented settings, changed. */
async function openDocumented(
  test: TestContext,
  issuer: (documented: Settings) => Settings = (documented) => documented,
): Promise<KeycloakGateway> {
  const adminPort = await reservePort()
  const text = documentedSections(issuer, adminPort)
  const gateway = await serveGateway(test, text, { INTROSPECTION_SECRET: secretOf(API) })
  const asked = (path: string, token: string) =>
    ask(gateway.port, path, { Authorization: `Bearer ${token}` })
  return {
    ...gateway,
    logoutUrl: `http://127.0.0.1:${adminPort}/backchannel-logout`,
    asked,
    async judged(path, token) {
      const answer = await asked(path, token)
      return statusAndReason(answer, async (at) => {
        return (await fetch(`http://127.0.0.1:${adminPort}${at}`)).json()
      })
    },
  }
}

describe('access tokens of Keycloak', () => {
  it('bring realm roles and client roles to the service, and no other client decides', async (test) => {
    const realm = await createRealm()
    const gateway = await openDocumented(test)
    const { accessToken } = await realm.logIn('web', 'alice')
    const answer = await gateway.asked(ORDERS_ADMIN, accessToken)
    assert.equal(answer.status, 200, answer.text)
    const { headers } = echoOf(answer)
    assert.deepEqual(String(headers['x-user-roles']).split(',').sort(), ['buyer', 'orders-admin'])
    assert.equal(headers['x-user-email'], 'alice@example.com')
    assert.equal(headers['x-token-issuer'], realm.issuer)
    assert.equal(headers['authorization'], undefined)
    const foreign = await realm.logIn('billing', 'alice')
    assert.equal(await gateway.judged(ORDERS_ADMIN, foreign.accessToken), '200')
  })

  it('are for "account" until the client has an audience mapper', async (test) => {
    const realm = await createRealm()
    const gateway = await openDocumented(test)
    const before = await realm.logIn('web', 'bob')
    assert.equal(await gateway.judged(ORDERS, before.accessToken), '401 audience_mismatch')
    await realm.addAudience('web', API)
    const since = await realm.logIn('web', 'bob')
    assert.equal(await gateway.judged(ORDERS, since.accessToken), '200')
    assert.equal(await gateway.judged(ORDERS_ADMIN, since.accessToken), '403 role_missing')
  })

  it('name the host by which the client called Keycloak: another one is another issuer', async (test) => {
    const realm = await createRealm()
    const gateway = await openDocumented(test)
    const other = keycloak.origin.replace('127.0.0.1', 'localhost')
    const { accessToken } = await realm.logIn('web', 'alice', other)
    assert.equal(await gateway.judged(ORDERS, accessToken), '401 issuer_not_accepted')
  })

  for (const algorithm of ['ES256', 'EdDSA']) {
    it(`may be signed with ${algorithm} for one client`, async (test) => {
      const realm = await createRealm()
      const gateway = await openDocumented(test)
      await realm.setAttributes('web', { 'access.token.signed.response.alg': algorithm })
      const { accessToken } = await realm.logIn('web', 'alice')
      assert.equal(await gateway.judged(ORDERS, accessToken), '200')
    })
  }

  for (const algorithm of ['PS256', 'HS256']) {
    it(`are refused with ${algorithm}, which nobody has allowed`, async (test) => {
      const realm = await createRealm()
      const gateway = await openDocumented(test)
      await realm.setAttributes('web', { 'access.token.signed.response.alg': algorithm })
      const { accessToken } = await realm.logIn('web', 'alice')
      assert.equal(await gateway.judged(ORDERS, accessToken), '401 algorithm_not_allowed')
    })
  }

  it('may have the type of RFC 9068', async (test) => {
    const realm = await createRealm()
    const gateway = await openDocumented(test)
    await realm.setAttributes('web', { 'access.token.header.type.rfc9068': 'true' })
    const { accessToken } = await realm.logIn('web', 'alice')
    assert.equal(await gateway.judged(ORDERS, accessToken), '200')
  })
})

describe('what Keycloak issues beside them', () => {
  it('is refused: ID tokens, refresh tokens, tokens of another realm and of clients alone', async (test) => {
    const realm = await createRealm()
    const gateway = await openDocumented(test, (documented) => ({
      ...documented,
      // So that its audience is not what refuses the ID token.
      audiences: [API, 'web'],
    }))
    const { idToken, refreshToken } = await realm.logIn('web', 'alice')
    assert.equal(await gateway.judged(ORDERS, idToken), '401 foreign_kind_of_token')
    assert.equal(await gateway.judged(ORDERS, refreshToken), '401 algorithm_not_allowed')
    const alone = await realm.clientToken('web')
    assert.equal(await gateway.judged(ORDERS, alone), '401 audience_mismatch')
    const twin = await KeycloakRealm.create(keycloak.origin, 'twin', {
      clients: [client('web')],
      users: [user('alice')],
    })
    await twin.addAudience('web', API)
    const stranger = await twin.logIn('web', 'alice')
    assert.equal(await gateway.judged(ORDERS, stranger.accessToken), '401 issuer_not_accepted')
  })
})

describe('tokens that Keycloak binds to a key of the client (DPoP)', () => {
  it('are refused as bearer tokens: a stolen one is good for nothing', async (test) => {
    const realm = await createRealm()
    const gateway = await openDocumented(test)
    await realm.setAttributes('web', { 'dpop.bound.access.tokens': 'true' })
    const DPoP = await proofFor(realm.tokenEndpoint)
    const { accessToken } = await realm.logIn('web', 'alice', keycloak.origin, { DPoP })
    assert.equal(await gateway.judged(ORDERS, accessToken), '401 token_bound')
    assert.equal(await gateway.judged(PAYMENTS, accessToken), '401 token_bound')
  })
})

describe('introspection by Keycloak', () => {
  it('tells the roles, and at once that a user has left', async (test) => {
    const realm = await createRealm()
    const gateway = await openDocumented(test, withFreshAnswers)
    const tokens = await realm.logIn('web', 'alice')
    const answer = await gateway.asked(PAYMENTS, tokens.accessToken)
    assert.equal(answer.status, 200, answer.text)
    const roles = String(echoOf(answer).headers['x-user-roles'])
    assert.deepEqual(roles.split(',').sort(), ['buyer', 'orders-admin'])
    await realm.logOut('web', tokens)
    await promptly('inactive', 3_000, [gateway.command.processId], async () => {
      return (await gateway.judged(PAYMENTS, tokens.accessToken)) === '401 token_inactive'
    })
  })

  it('makes lightweight tokens whole, which as JWTs say too little', async (test) => {
    const realm = await createRealm()
    const gateway = await openDocumented(test)
    const { accessToken } = await realm.logIn('light', 'alice')
    assert.equal(await gateway.judged(ORDERS, accessToken), '401 audience_mismatch')
    const answer = await gateway.asked(PAYMENTS, accessToken)
    assert.equal(answer.status, 200, answer.text)
    const roles = String(echoOf(answer).headers['x-user-roles'])
    assert.deepEqual(roles.split(',').sort(), ['buyer', 'orders-admin'])
  })

  it('calls every token inactive for a client that is not its audience', async (test) => {
    const realm = await createRealm()
    const gateway = await openDocumented(test, (documented) => ({
      ...documented,
      introspection: {
        ...(documented['introspection'] as Settings),
        clientId: 'billing',
        clientSecret: secretOf('billing'),
      },
    }))
    const { accessToken } = await realm.logIn('web', 'alice')
    assert.equal(await gateway.judged(PAYMENTS, accessToken), '401 token_inactive')
  })
})

describe('logout at Keycloak', () => {
  it('ends the tokens of that user within a second, and of no other user', async (test) => {
    const realm = await createRealm()
    const gateway = await openDocumented(test)
    await realm.addAudience('web', API)
    await realm.setAttributes('web', { 'backchannel.logout.url': gateway.logoutUrl })
    const alice = await realm.logIn('web', 'alice')
    const bob = await realm.logIn('web', 'bob')
    assert.equal(await gateway.judged(ORDERS, alice.accessToken), '200')
    assert.equal(await gateway.judged(ORDERS, bob.accessToken), '200')
    await realm.logOut('web', alice)
    const isOver = async () =>
      (await gateway.judged(ORDERS, alice.accessToken)) === '401 token_revoked'
    await promptly('revoked', 1_000, [gateway.command.processId], isOver)
    assert.equal(await gateway.judged(ORDERS, bob.accessToken), '200')
  })

  it('ends what introspection called active, while that is remembered', async (test) => {
    const realm = await createRealm()
    const gateway = await openDocumented(test, (documented) => ({
      ...documented,
      logoutAudiences: ['light'],
    }))
    await realm.setAttributes('light', { 'backchannel.logout.url': gateway.logoutUrl })
    const alice = await realm.logIn('light', 'alice')
    assert.equal(await gateway.judged(PAYMENTS, alice.accessToken), '200')
    await realm.logOut('light', alice)
    const isOver = async () =>
      (await gateway.judged(PAYMENTS, alice.accessToken)) === '401 token_revoked'
    await promptly('revoked', 1_000, [gateway.command.processId], isOver)
  })

  it('is heard when an administrator ends the sessions, too', async (test) => {
    const realm = await createRealm()
    const gateway = await openDocumented(test)
    await realm.addAudience('web', API)
    await realm.setAttributes('web', { 'backchannel.logout.url': gateway.logoutUrl })
    const bob = await realm.logIn('web', 'bob')
    assert.equal(await gateway.judged(ORDERS, bob.accessToken), '200')
    await realm.logOutUser('bob')
    const isOver = async () =>
      (await gateway.judged(ORDERS, bob.accessToken)) === '401 token_revoked'
    await promptly('revoked', 1_000, [gateway.command.processId], isOver)
  })
})

describe('new keys at Keycloak', () => {
  it('are used at once; the old one passes until it is removed', async (test) => {
    const realm = await createRealm()
    const gateway = await openDocumented(test, (documented) => ({
      ...documented,
      jwks: { refreshInterval: '1s' },
    }))
    const firstKey = await realm.addKey(200)
    const first = await realm.logIn('web', 'alice')
    assert.equal(await gateway.judged(ORDERS, first.accessToken), '200')
    await realm.addKey(300)
    const second = await realm.logIn('web', 'alice')
    assert.notEqual(keyIdOf(second.accessToken), keyIdOf(first.accessToken))
    assert.equal(await gateway.judged(ORDERS, second.accessToken), '200')
    await firstKey.makePassive()
    const third = await realm.logIn('web', 'alice')
    assert.equal(await gateway.judged(ORDERS, third.accessToken), '200')
    assert.equal(await gateway.judged(ORDERS, first.accessToken), '200')
    await firstKey.remove()
    await promptly('the old key is gone', 5_000, [gateway.command.processId], async () => {
      return (await gateway.judged(ORDERS, first.accessToken)) === '401 key_unknown'
    })
    assert.equal(await gateway.judged(ORDERS, second.accessToken), '200')
  })
})

/** Of a key that is made for it and thrown away. */
async function proofFor(url: string): Promise<string> {
  const privateKey = generatedKey({ type: 'ec', namedCurve: 'P-256' })
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' })
  return new SignJWT({ htm: 'POST', htu: url, jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
    .setIssuedAt()
    .sign(privateKey)
}

/** So that no answer is remembered for longer than a test waits. */
function withFreshAnswers(documented: Settings): Settings {
  const introspection = { ...(documented['introspection'] as Settings), cacheTtl: '1s' }
  return { ...documented, introspection }
}

function keyIdOf(token: string): unknown {
  const [header = ''] = token.split('.')
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as Settings)['kid']
}

describe('sallyport check --online', () => {
  it('finds Keycloak in order, and says what its preset fills in', async (test) => {
    await createRealm()
    const sections = documentedSections((documented) => documented)
    const file = await servedFile(test, sections)
    const words = ['check', '--config', file, '--online']
    const command = new SpawnedCommand(words, { INTROSPECTION_SECRET: secretOf(API) })
    test.after(() => command.kill())
    const { exitCode } = await command.ended()
    assert.equal(exitCode, 0, [...command.output, ...command.errors].join('\n'))
    const preset = 'provider keycloak sets claims'
    assert.ok(!command.output.some((line) => line.includes(preset)), 'claims.roles is written out')
    assert.ok(command.output.some((line) => line.includes('sets jwks.discovery: true')))
  })
})
