/** What a provider fills in, and that what is written out always wins. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { check } from '../../src/cli/check.ts'
import { EXIT } from '../../src/cli/exit-code.ts'
import {
  PROVIDER_NAMES,
  PROVIDER_PRESETS,
  presetSettings,
  presetsFor,
  withPresets,
} from '../../src/config/sections/issuers/provider-presets.ts'
import { parseText, problemLinesOf } from '../support/configuration-text.ts'
import { DOCUMENTED_SECRETS, documentedProviders } from '../support/documented-provider.ts'
import { PROVIDER_SAMPLES } from '../support/provider-samples.ts'

const WITHOUT_PROVIDER = parseText(configuration({ jwks: { uri: 'https://idp.example.com/keys' } }))

function configuration(issuer: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({
    issuers: { main: { issuer: 'https://idp.example.com/', audiences: ['api'], ...issuer } },
    upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
    routes: [{ name: 'users', match: { path: '/users/*' }, upstream: 'users' }],
  })
}

const completed = (issuer: unknown): unknown => withPresets(issuer, presetsFor(issuer))

describe('a provider', () => {
  for (const provider of PROVIDER_NAMES) {
    it(`${provider} allows no algorithm and no type that is not allowed without it`, () => {
      const uri = 'https://idp.example.com/keys'
      const [issuer] = parseText(configuration({ provider, jwks: { uri } })).issuers
      const [usual] = WITHOUT_PROVIDER.issuers
      assert.ok(issuer && usual)
      for (const algorithm of issuer.algorithms) assert.ok(usual.algorithms.includes(algorithm))
      for (const type of issuer.types) assert.ok(usual.types.includes(type))
      assert.equal(issuer.provider, provider)
    })

    it(`${provider} says where things are, and names no audience and no client`, () => {
      const names = presetSettings(provider).map(({ name }) => name)
      const known = /^(algorithms|types|requiredClaims|jwks\.discovery|claims\.\w+)$/
      for (const name of names) assert.match(name, known)
      assert.equal(new Set(names).size, names.length)
    })

    it(`${provider} has a section of the documents, with its name in the configuration`, () => {
      const texts = documentedProviders().map(({ text }) => text)
      assert.equal(texts.filter((text) => text.includes(`provider: ${provider}\n`)).length, 1)
    })
  }

  it('is one of those with samples of tokens', () => {
    assert.equal(PROVIDER_SAMPLES.length, PROVIDER_NAMES.length)
  })

  it('that is not known is refused by name', () => {
    const uri = 'https://idp.example.com/keys'
    const [line] = problemLinesOf(configuration({ provider: 'ldap', jwks: { uri } }))
    assert.match(line ?? '', /^issuers\.main\.provider must be one of keycloak, auth0, /)
    for (const provider of ['__proto__', 'constructor', 'toString']) {
      assert.deepEqual(presetsFor({ provider }), [])
    }
  })
})

describe('what is written out', () => {
  it('wins, setting by setting and claim by claim, and so does null', () => {
    const written = {
      provider: 'okta',
      algorithms: ['ES256'],
      claims: { roles: 'teams', tenant: null },
      jwks: { uri: 'https://idp.example.com/keys' },
    }
    assert.deepEqual(completed(written), {
      ...written,
      requiredClaims: PROVIDER_PRESETS.okta.settings.requiredClaims,
      claims: { clientId: ['cid', 'client_id'], scopes: 'scp', roles: 'teams', tenant: null },
    })
    const names = presetsFor(written).map(({ name }) => name)
    assert.deepEqual(names.toSorted(), ['claims.clientId', 'claims.scopes', 'requiredClaims'])
    assert.deepEqual(completed({ provider: 'okta', claims: { scopes: null } }), {
      provider: 'okta',
      algorithms: ['RS256'],
      requiredClaims: ['sub', 'cid'],
      claims: { clientId: ['cid', 'client_id'], roles: 'groups', scopes: null },
      jwks: { discovery: true },
    })
  })

  it('is not changed where it says where the keys are', () => {
    const keys = [
      { jwks: { file: 'keys.json' } },
      { jwks: { discovery: false, uri: 'https://idp.example.com/keys' } },
      { jwks: null },
      { secret: 'a shared secret' },
      { secretFile: 'secret.txt' },
    ]
    for (const written of keys) {
      const all = completed({ provider: 'keycloak', ...written })
      assert.deepEqual({ ...(all as object), ...written }, all)
      const names = presetsFor({ provider: 'keycloak', ...written }).map(({ name }) => name)
      assert.ok(!names.includes('jwks.discovery'), JSON.stringify(written))
    }
  })

  it('is completed where it says how the keys are fetched, and not from where', () => {
    const written = { provider: 'keycloak', jwks: { refreshInterval: '5s' } }
    const { jwks } = completed(written) as { readonly jwks: unknown }
    assert.deepEqual(jwks, { refreshInterval: '5s', discovery: true })
  })

  it('stays as it is, object and all', () => {
    const written = Object.freeze({
      provider: 'keycloak',
      claims: Object.freeze({ email: 'mail' }),
      jwks: Object.freeze({ timeout: '1s' }),
    })
    completed(written)
    assert.deepEqual(written.claims, { email: 'mail' })
  })

  it('is told as wrong where it is, and not as something of the provider', () => {
    for (const claims of ['roles', 7, ['roles']]) {
      const [line] = problemLinesOf(configuration({ provider: 'okta', claims }))
      assert.match(line ?? '', /^issuers\.main\.claims /)
    }
    for (const issuer of [null, 7, 'keycloak', ['keycloak']]) {
      assert.equal(completed(issuer), issuer)
    }
  })
})

describe('the configurations of docs/providers.md', () => {
  let directory = ''
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'sallyport-providers-'))
    writeFileSync(join(directory, 'cluster-keys.json'), '{"keys":[]}')
    Object.assign(process.env, DOCUMENTED_SECRETS)
  })
  after(() => {
    rmSync(directory, { recursive: true })
    for (const name of Object.keys(DOCUMENTED_SECRETS)) delete process.env[name]
  })

  for (const { title, text } of documentedProviders()) {
    it(`${title}: passes "sallyport check", which says what the provider fills in`, async () => {
      const configFile = join(directory, 'gateway.yaml')
      writeFileSync(configFile, text)
      const printed: string[] = []
      const errors: string[] = []
      const terminal = {
        print: (line: string) => void printed.push(line),
        printError: (line: string) => void errors.push(line),
        end: () => Promise.resolve(),
      }
      assert.equal(await check({ configFile, online: false, proxy: null }, terminal), EXIT.ok)
      assert.deepEqual(
        errors.filter((line) => !line.startsWith('signatures: ')),
        [],
      )
      const provider = /provider: (\w+)/.exec(text)?.[1]
      const line = printed.find((it) => it.includes(`provider ${provider} sets `)) ?? ''
      assert.match(line, /^issuers\.\w+: provider \w+ sets \S+: /)
    })
  }
})
