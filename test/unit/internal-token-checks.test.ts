/** What must hold for the settings of internal tokens. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parseText, problemLinesOf } from '../support/configuration-text.ts'

const AT = 'identity.internalToken'
const SECRET = 's'.repeat(32)
let directory = ''

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-'))
  writeFileSync(join(directory, 'short'), `${'s'.repeat(31)}\n`)
  writeFileSync(join(directory, 'long'), `${SECRET}\n`)
})

after(() => rmSync(directory, { recursive: true }))

/** JSON is YAML. */
function text(internalToken: object, route: object = {}, strategy = 'internal-token'): string {
  return JSON.stringify({
    issuers: {
      main: { issuer: 'https://idp.example.com/', audiences: ['api'], jwks: { discovery: true } },
    },
    identity: { strategy, internalToken },
    upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
    routes: [{ name: 'a', match: { path: '/a' }, upstream: 'users', ...route }],
  })
}

const keysOf = (internalToken: object) => parseText(text(internalToken)).identity.internalToken.keys

describe('settings of internal tokens', () => {
  const bad: readonly (readonly [string, string, readonly string[]])[] = [
    ['a life beyond 300 s', text({ ttl: '301s' }), [`${AT}.ttl must be from 1s to 300s`]],
    [
      'a life of half a second more',
      text({ ttl: '1500ms' }),
      [`${AT}.ttl must be whole seconds: claims know no smaller unit`],
    ],
    [
      'a rotation within minutes',
      text({ keyRotation: '4m' }),
      [`${AT}.keyRotation must be from 5m to 8760h`],
    ],
    [
      'another algorithm',
      text({ algorithm: 'HS256' }),
      [`${AT}.algorithm must be one of ES256, EdDSA`],
    ],
    [
      'a secret that can be guessed',
      text({ keySecret: 's'.repeat(31) }),
      [`${AT}.keySecret must hold at least 32 bytes`],
    ],
    [
      'a secret and a file for it',
      text({ keySecret: SECRET, keySecretFile: 'x' }),
      [`${AT}.keySecretFile cannot be combined with keySecret`],
    ],
    [
      'a secret and files of keys',
      text({ keySecret: SECRET, keyFiles: 'x' }),
      [`${AT}.keyFiles cannot be combined with a secret`],
    ],
    [
      'files of keys that are not there',
      text({ keyFiles: '/no/such/keys' }),
      [`${AT}.keyFiles names something that cannot be found (ENOENT)`],
    ],
    [
      'the name of an issuer of clients',
      text({ issuer: 'https://idp.example.com/' }),
      [`${AT}.issuer is the same as that of issuers.main: tokens would be mixed up`],
    ],
    [
      'a route without authentication that wants a token',
      text({}, { authenticate: 'none', identity: 'internal-token' }),
      [
        'routes[0].identity needs a caller that is known: internal-token cannot be combined with authenticate: none',
      ],
    ],
  ]
  for (const [what, yaml, problems] of bad) {
    it(`refuse ${what}`, () => assert.deepEqual(problemLinesOf(yaml), problems))
  }

  it('refuse a short secret in a file', () => {
    const keySecretFile = join(directory, 'short')
    assert.deepEqual(problemLinesOf(text({ keySecretFile })), [
      `${AT}.keySecretFile must hold at least 32 bytes`,
    ])
  })

  it('take keys from a secret, from a file that holds one, from files, or from nowhere', () => {
    const secret = Uint8Array.from(Buffer.from(SECRET))
    const own = { kind: 'secret', secret, published: [] }
    assert.deepEqual(keysOf({ keySecret: SECRET }), own)
    assert.deepEqual(keysOf({ keySecretFile: join(directory, 'long') }), own)
    const previousSecrets = [{ secretFile: join(directory, 'long'), algorithm: 'EdDSA' }]
    assert.deepEqual(keysOf({ keySecret: SECRET, previousSecrets }), {
      ...own,
      published: [{ secret, algorithm: 'EdDSA', keyRotationMs: 86_400_000 }],
    })
    assert.deepEqual(keysOf({ keyFiles: directory }), { kind: 'files', path: directory })
    assert.deepEqual(keysOf({}), { kind: 'generated' })
  })

  it('let a route differ from the default', () => {
    const strategyOf = (route: object, strategy?: string) =>
      parseText(text({}, route, strategy)).routes[0]?.identity
    assert.equal(strategyOf({}), 'internal-token')
    assert.equal(strategyOf({ authenticate: 'none' }), 'internal-token')
    assert.equal(strategyOf({ identity: 'pass-through' }), 'pass-through')
    assert.equal(strategyOf({ identity: 'internal-token' }, 'headers'), 'internal-token')
  })
})
