/**
 * Tokens and keys of well-known providers at a gateway with the configurations of
 * docs/providers.md, and beside each of them what must not pass because of the preset.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { DOCUMENTED_SECRETS, documentedConfiguration } from '../support/documented-provider.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { echoOf, statusAndReason } from '../support/gateway-answer.ts'
import { keySetDocument } from '../support/key-documents.ts'
import { bearer, publishedJwk, wallSeconds } from '../support/live-token.ts'
import { type MintingKey, mintKey, signRaw } from '../support/mint-token.ts'
import { PROVIDER_QUIRKS } from '../support/provider-quirks.ts'
import { PROVIDER_SAMPLES, type ProviderSample } from '../support/provider-samples.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

type Settings = Readonly<Record<string, unknown>>

/** One key is enough: each issuer has its own document, and no two share an `iss`. */
const rsa = mintKey('RS256', 'NdEQsDZ4SD0rISNuZCYWdpjL73oVpX8')
const REFUSED_AUDIENCE = '401 audience_mismatch'
const FOREIGN_ISSUER = 'https://evil.example.com/'

let jwks: FaultyServer
let gateway: TestGateway
before(async () => {
  jwks = await FaultyServer.start()
  const key = publishedJwk(rsa)
  for (const { title, publish } of PROVIDER_SAMPLES) {
    jwks.documents.set(pathOf(title), keySetDocument(...publish(key)))
  }
  gateway = await openAll()
})
after(() => jwks.down())

interface DocumentedRoute {
  readonly match: { readonly path: string }
  readonly authenticate: readonly string[]
  readonly require?: Settings
}

interface Documented {
  readonly name: string
  readonly issuer: Settings & { readonly issuer: string }
  readonly routes: Readonly<Record<string, Settings>>
}

/** Where one gateway has the routes of a section. */
function pathOf(title: string): string {
  return `/${title.replaceAll(' ', '-')}`
}

/** Of one section: its issuer, with keys of the test, and its routes, which take that one alone. */
function documented({ title }: ProviderSample): Documented {
  const { issuers, routes } = documentedConfiguration(title) as {
    readonly issuers: Readonly<Record<string, Documented['issuer']>>
    readonly routes: readonly DocumentedRoute[]
  }
  const [entry] = Object.entries(issuers)
  assert.ok(entry)
  const [name, issuer] = entry
  return {
    name,
    issuer: { ...issuer, jwks: { uri: `${jwks.origin}${pathOf(title)}` } },
    routes: Object.fromEntries(
      routes.map(({ match, authenticate, require }) => {
        return [pathOf(title) + match.path, { authenticate, require, issuers: [name] }]
      }),
    ),
  }
}

function openAll(): Promise<TestGateway> {
  const all = PROVIDER_SAMPLES.map(documented)
  return openGateway({
    issuers: Object.fromEntries(all.map(({ name, issuer }) => [name, issuer])),
    routes: Object.assign({}, ...all.map(({ routes }) => routes)) as Documented['routes'],
    environment: DOCUMENTED_SECRETS,
    waitsUntilReady: true,
  })
}

/** Members replace those of the sample; `undefined` removes. */
function tokenOf(
  sample: ProviderSample,
  claims: Settings = {},
  header: Settings = {},
  key: MintingKey = rsa,
): string {
  const issuedAt = wallSeconds() - 60
  const iss = documented(sample).issuer.issuer
  const times = { iat: issuedAt, exp: issuedAt + 3_600 }
  return signRaw(
    key,
    JSON.stringify({ alg: key.algorithm, kid: key.keyId, ...sample.header, ...header }),
    JSON.stringify({ iss, ...times, ...sample.claims, ...claims }),
  )
}

/** `200`, or the status and the reason. */
async function judged({ title, path }: ProviderSample, token: string): Promise<string> {
  const answer = await gateway.ask(pathOf(title) + path, bearer(token))
  return statusAndReason(answer, async (at) => (await gateway.admin(at)).body)
}

for (const sample of PROVIDER_SAMPLES) {
  describe(`tokens of ${sample.title}, as documented`, () => {
    it('pass, and the service hears who is calling', async () => {
      const answer = await gateway.ask(pathOf(sample.title) + sample.path, bearer(tokenOf(sample)))
      assert.equal(answer.status, 200, answer.text)
      const { headers } = echoOf(answer)
      for (const [name, value] of Object.entries(sample.heard)) {
        assert.equal(headers[name], value, name)
      }
    })

    it('are refused for another audience, and without one', async () => {
      const { clientIds } = documented(sample).issuer
      const foreign = { aud: ['https://other.example.com'], client_id: 'another' }
      assert.equal(await judged(sample, tokenOf(sample, foreign)), REFUSED_AUDIENCE)
      const none = { aud: undefined, ...(clientIds !== undefined && { client_id: 'another' }) }
      const reason = clientIds === undefined ? REFUSED_AUDIENCE : '401 client_not_accepted'
      assert.equal(await judged(sample, tokenOf(sample, none)), reason)
    })

    it('are refused when another issuer names itself in them', async () => {
      const foreign = tokenOf(sample, { iss: FOREIGN_ISSUER })
      assert.equal(await judged(sample, foreign), '401 issuer_not_accepted')
    })

    it('are refused with algorithms that were not allowed without the preset either', async () => {
      for (const algorithm of ['PS256', 'RS512'] as const) {
        const token = tokenOf(sample, {}, {}, { ...rsa, algorithm })
        assert.equal(await judged(sample, token), '401 algorithm_not_allowed')
      }
      const unsigned = tokenOf(sample, {}, { alg: 'none' })
      assert.match(await judged(sample, unsigned), /^401 /)
    })

    it('are refused as ID tokens, even when their audience is one of ours', async () => {
      const token = tokenOf(sample, sample.idToken.claims)
      assert.equal(await judged(sample, token), `401 ${sample.idToken.reason}`)
    })

    it('are refused as logout and refresh tokens', async () => {
      const logout = { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }
      const refresh = { typ: 'Refresh' }
      for (const claims of [logout, refresh]) {
        const token = tokenOf(sample, claims)
        assert.equal(await judged(sample, token), '401 foreign_kind_of_token')
      }
    })

    for (const { title, claims, header, token, outcome } of PROVIDER_QUIRKS[sample.title] ?? []) {
      it(`${title} (${outcome})`, async () => {
        assert.equal(await judged(sample, token ?? tokenOf(sample, claims, header)), outcome)
      })
    }
  })
}
