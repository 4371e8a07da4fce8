/** Lists of addresses in a configuration: where they may be, and what may be in them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ISSUERS, parseText, problemLinesOf } from '../support/configuration-text.ts'

const KEY = { sha256: 'a'.repeat(64), userId: 'machine' }
const PROBLEM =
  'must be an IP address or a CIDR range such as 10.0.0.0/8, in which every bit behind the prefix ' +
  'is zero'

interface Lists {
  readonly server?: object
  readonly route?: object
  readonly tenant?: object
  readonly key?: object
}

/** JSON is YAML. */
function text({ server = {}, route = {}, tenant = {}, key = {} }: Lists): string {
  return JSON.stringify({
    server,
    issuers: ISSUERS,
    tenants: { resolve: [{ from: 'header' }], registry: { acme: tenant } },
    apiKeys: { keys: [{ ...KEY, ...key }] },
    upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
    routes: [{ name: 'r', match: { path: '/*' }, upstream: 'users', ...route }],
  })
}

const LISTS = { allowFrom: ['10.0.0.0/8', '2001:db8::1'], denyFrom: ['10.1.0.0/16'] }

describe('lists of addresses', () => {
  it('may be on a route, a tenant and an API key, and are empty by default', () => {
    const listed = parseText(text({ route: LISTS, tenant: LISTS, key: LISTS }))
    const bare = parseText(text({}))
    const placesOf = ({ routes, tenants, apiKeys }: typeof bare) =>
      [routes[0], tenants?.registry[0], apiKeys?.keys[0]].map((place) => {
        return { allowFrom: place?.allowFrom, denyFrom: place?.denyFrom }
      })
    assert.deepEqual(placesOf(listed), [LISTS, LISTS, LISTS])
    const empty = { allowFrom: [], denyFrom: [] }
    assert.deepEqual(placesOf(bare), [empty, empty, empty])
  })

  const places: readonly (readonly [string, (range: string) => Lists])[] = [
    ['server.trustedProxies[0]', (range) => ({ server: { trustedProxies: [range] } })],
    ['routes[0].allowFrom[0]', (range) => ({ route: { allowFrom: [range] } })],
    ['routes[0].denyFrom[0]', (range) => ({ route: { denyFrom: [range] } })],
    ['tenants.registry.acme.allowFrom[0]', (range) => ({ tenant: { allowFrom: [range] } })],
    ['tenants.registry.acme.denyFrom[0]', (range) => ({ tenant: { denyFrom: [range] } })],
    ['apiKeys.keys[0].allowFrom[0]', (range) => ({ key: { allowFrom: [range] } })],
    ['apiKeys.keys[0].denyFrom[0]', (range) => ({ key: { denyFrom: [range] } })],
  ]
  for (const [path, listsOf] of places) {
    it(`hold ranges of addresses and nothing else at ${path}`, () => {
      for (const range of ['10.0.0.0/33', '10.0.0.1/8', '::1/64', 'office', '10.0.0.0-10.0.0.9']) {
        assert.deepEqual(problemLinesOf(text(listsOf(range))), [`${path} ${PROBLEM}`], range)
      }
      for (const range of ['10.0.0.1', '10.0.0.0/8', '::', '::1/128', '2001:db8::/32']) {
        assert.doesNotThrow(() => parseText(text(listsOf(range))), range)
      }
    })
  }

  it('are lists, of at most a thousand', () => {
    const many = Array.from({ length: 1_001 }, () => '10.0.0.0/8')
    const [problem] = problemLinesOf(text({ route: { denyFrom: many } }))
    assert.equal(problem, 'routes[0].denyFrom must list at most 1000')
    const [other] = problemLinesOf(text({ route: { allowFrom: '10.0.0.0/8' } }))
    assert.equal(other, 'routes[0].allowFrom must be a list')
  })

  it('give a route in shadow something to report that asks for no credential', () => {
    const shadow = { authenticate: 'none', mode: 'shadow', tenant: 'none' }
    assert.deepEqual(problemLinesOf(text({ route: shadow })), [
      'routes[0].mode has nothing to report with authenticate: none',
    ])
    assert.equal(parseText(text({ route: { ...shadow, ...LISTS } })).routes[0]?.mode, 'shadow')
  })
})
