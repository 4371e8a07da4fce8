/**
 * Keys of Entra ID say in `issuer` whose tokens they are for. Its set for all tenants has keys of
 * personal accounts beside those of organisations: a token of an organisation is never theirs.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { outcomeOf } from '../support/gateway-answer.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import { AUDIENCE, type MintingKey, mintKey } from '../support/mint-token.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const ENTRA = 'https://login.microsoftonline.com'
/** The tenant of all personal accounts (outlook.com, live.com). */
const PERSONAL = '9188040d-6c67-4c5b-b112-36a304b66dad'
const CONTOSO = '72f988bf-86f1-41af-91ab-2d7cd011db47'
const FABRIKAM = '5e1f1a6c-0a2b-4a40-8d0c-5b8d2f5a1c11'

const issuerOf = (tenant: string) => `${ENTRA}/${tenant}/v2.0`

/** What the `issuer` of each key is. */
const ISSUERS_OF_KEYS = {
  organisations: issuerOf('{tenantid}'),
  personal: issuerOf(PERSONAL),
  fabrikam: issuerOf(FABRIKAM),
  government: 'https://login.microsoftonline.us/{tenantid}/v2.0',
  version1: 'https://sts.windows.net/{tenantid}/',
  lookalike: `${ENTRA}/{tenantid}/v2.0/`,
  twice: `${ENTRA}/{tenantid}/{tenantid}/v2.0`,
  blank: ' ',
  none: undefined,
  null: null,
  empty: '',
  list: [],
  number: 7,
} as const

type Name = keyof typeof ISSUERS_OF_KEYS

const NAMES = Object.keys(ISSUERS_OF_KEYS) as Name[]
const keys = new Map<Name, MintingKey>(NAMES.map((name) => [name, mintKey('ES256', name)]))

let jwks: FaultyServer
let gateway: TestGateway

before(async () => {
  jwks = await FaultyServer.start()
  jwks.publish(
    ...NAMES.map((name) => ({ ...publishedJwk(keyOf(name)), issuer: ISSUERS_OF_KEYS[name] })),
  )
  const common = { audiences: [AUDIENCE], algorithms: ['ES256'], jwks: { uri: jwks.jwksUri } }
  const values = { claim: 'tid', values: [CONTOSO, PERSONAL] }
  gateway = await openGateway({
    accessLog: 1,
    issuers: {
      entra: { issuer: issuerOf('{tenantid}'), issuerValues: values, ...common },
      fabrikam: { issuer: issuerOf(FABRIKAM), ...common },
    },
    routes: { '/*': { authenticate: ['jwt'] } },
    environment: { SALLYPORT_LISTENER_THREADS: '1' },
    waitsUntilReady: true,
  })
})

after(async () => {
  await gateway.stop()
  await jwks.down()
})

function keyOf(name: Name): MintingKey {
  const key = keys.get(name)
  assert.ok(key !== undefined)
  return key
}

/** `passed`, or the reason in the access log. */
async function verdict(name: Name, tenant: string, header: object = {}): Promise<string> {
  const token = liveToken(keyOf(name), issuerOf(tenant), { tid: tenant }, { ...header })
  const path = `/${randomUUID()}`
  const outcome = outcomeOf(await gateway.ask(path, bearer(token)))
  if (outcome === 'passed') return outcome
  const line = () => gateway.log.find((it) => it['path'] === path)
  await eventually('its line', () => line() !== undefined)
  assert.ok(!JSON.stringify(line()).includes(tenant), 'the line has no claim in it')
  return String(line()?.['reason'])
}

describe('a key of Entra ID with an issuer', { concurrency: true }, () => {
  const good: readonly (readonly [Name, string])[] = [
    ['organisations', CONTOSO],
    ['organisations', FABRIKAM],
    ['personal', PERSONAL],
    ['fabrikam', FABRIKAM],
    ...(['none', 'null', 'empty', 'list', 'number'] as const).map((it) => [it, CONTOSO] as const),
  ]
  for (const [name, tenant] of good) {
    it(`${JSON.stringify(ISSUERS_OF_KEYS[name])} verifies tokens of ${tenant}`, async () => {
      assert.equal(await verdict(name, tenant), 'passed')
    })
  }

  const bad: readonly (readonly [Name, string])[] = [
    ['personal', CONTOSO],
    ['personal', FABRIKAM],
    ['fabrikam', CONTOSO],
    ['government', CONTOSO],
    ['version1', CONTOSO],
    ['lookalike', FABRIKAM],
    ['twice', CONTOSO],
    ['blank', CONTOSO],
  ]
  for (const [name, tenant] of bad) {
    it(`${JSON.stringify(ISSUERS_OF_KEYS[name])} verifies no token of ${tenant}`, async () => {
      assert.equal(await verdict(name, tenant), 'key_issuer_mismatch')
      // Nor does it where no kid says that it is this one.
      assert.notEqual(await verdict(name, tenant, { kid: undefined }), 'passed')
      assert.notEqual(await verdict(name, tenant, { kid: 'of-another-set' }), 'passed')
    })
  }
})
