/** What must hold within the settings of introspection, sessions, API keys and Redis. */
import assert from 'node:assert/strict'
import { createPublicKey, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parseText, problemLinesOf } from '../support/configuration-text.ts'
import { generatedKey } from '../support/generated-key.ts'

const INTROSPECTION = {
  endpoint: 'https://idp.example.com/introspect',
  clientId: 'gateway',
  clientSecret: 's3cret',
}
const REDIS = { nodes: ['127.0.0.1:6379'] }
const EXPRESS = { format: 'express-session', secrets: ['s'] }
const HMAC_ISSUER = {
  issuer: 'https://idp.example.com/',
  audiences: ['api'],
  algorithms: ['HS256'],
  secret: 's'.repeat(32),
}
const KEY = { sha256: 'a'.repeat(64), userId: 'machine' }

/** JSON is YAML. */
function text(more: object, route: object = {}): string {
  return JSON.stringify({
    issuers: {},
    upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
    routes: [
      { name: 'a', match: { path: '/a' }, upstream: 'users', authenticate: 'none', ...route },
    ],
    ...more,
  })
}

function withIntrospection(more: object): string {
  const introspection = { ...INTROSPECTION, ...more }
  return text({
    issuers: { main: { issuer: 'https://idp.example.com/', audiences: ['api'], introspection } },
  })
}

const AT = 'issuers.main.introspection'

const CASES: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'an introspection endpoint that secrets would reach in the clear',
    withIntrospection({ endpoint: 'http://idp.example.com/introspect' }),
    [
      `${AT}.endpoint must be https, or allowInsecureHttp set: tokens and the secret are sent there`,
    ],
  ],
  [
    'an introspection client without a secret',
    withIntrospection({ clientSecret: null }),
    [`${AT}.clientSecret or clientSecretFile is required`],
  ],
  [
    'a secret and a file for it',
    withIntrospection({ clientSecretFile: 'secret' }),
    [`${AT}.clientSecretFile cannot be combined with clientSecret`],
  ],
  [
    'a private key for a method that takes none',
    withIntrospection({ privateKeyFile: 'key.pem' }),
    [`${AT}.privateKeyFile is only for private_key_jwt`],
  ],
  [
    'private_key_jwt with a secret instead of a key',
    withIntrospection({ clientAuthentication: 'private_key_jwt' }),
    [
      `${AT}.privateKeyFile is required for private_key_jwt`,
      `${AT}.clientSecret is not used with private_key_jwt`,
    ],
  ],
  [
    'pass-through that was not confirmed',
    withIntrospection({ onOutage: 'pass-through' }),
    [
      `${AT}.iUnderstand must be true for onOutage: pass-through, which lets unverified requests reach the upstream`,
    ],
  ],
  [
    'parts of a second',
    withIntrospection({ cacheTtl: '1500ms' }),
    [`${AT}.cacheTtl must be whole seconds`],
  ],
  [
    'sessions without Redis',
    text({ sessions: {} }),
    ['sessions.store needs the section redis (or store: memory, for development)'],
  ],
  [
    'express-session without a secret',
    text({ redis: REDIS, sessions: { format: 'express-session' } }),
    ['sessions.secrets or secretFile is required for express-session'],
  ],
  [
    'express-session in memory, with hashed keys',
    text({
      sessions: { format: 'express-session', secrets: ['s'], store: 'memory', keyHash: 'sha256' },
    }),
    [
      'sessions.store must be redis for express-session: no other program writes to memory',
      'sessions.keyHash must be none for express-session, whose stores write plain ids',
    ],
  ],
  [
    'secrets that nothing is signed with',
    text({ redis: REDIS, sessions: { secrets: ['s'] } }),
    ['sessions.secrets is only for express-session'],
  ],
  [
    'a session that would slide beyond its end',
    text({ redis: REDIS, sessions: { ttl: '9h' } }),
    ['sessions.ttl must not be longer than absoluteTtl'],
  ],
  [
    'a session of express-session that would slide beyond its end',
    text({
      redis: REDIS,
      sessions: { ...EXPRESS, ttl: '9h', pointers: { createdAt: '/createdAt' } },
    }),
    ['sessions.ttl must not be longer than absoluteTtl'],
  ],
  [
    'a path that browsers refuse for the cookie',
    text({ redis: REDIS, sessions: { cookiePath: '/app' } }),
    ['sessions.cookiePath must be / for a cookie whose name begins with __Host-'],
  ],
  [
    'a domain that browsers refuse for the cookie',
    text({ redis: REDIS, sessions: { cookieDomain: '.example.com' } }),
    ['sessions.cookieDomain cannot be set for a cookie whose name begins with __Host-'],
  ],
  [
    'a bearer token in the cookie that holds a session',
    text({ redis: REDIS, sessions: {} }, { credentials: [{ from: 'cookie', name: '__Host-sid' }] }),
    ['routes[0].credentials[0] names the cookie that holds a session'],
  ],
  [
    'API keys in a Redis that is not there',
    text({ apiKeys: { redis: true } }),
    ['apiKeys.redis needs the section redis'],
  ],
  [
    'API keys where bearer tokens are',
    text({ apiKeys: { header: 'Authorization', keys: [KEY] } }),
    ['apiKeys.header must not be Authorization, which holds bearer tokens'],
  ],
  [
    'places of API keys on a route that takes none',
    text({}, { apiKeyPlaces: [{ from: 'query', name: 'key' }] }),
    ['routes[0].apiKeyPlaces needs authenticate with apiKey'],
  ],
  [
    'one place of API keys twice',
    text(
      { apiKeys: { keys: [KEY] } },
      { authenticate: ['apiKey'], apiKeyPlaces: [{ from: 'header' }, { from: 'header' }] },
    ),
    ['routes[0].apiKeyPlaces[1] is listed twice'],
  ],
  [
    'API keys in the cookie of sessions',
    text(
      { apiKeys: { keys: [KEY] }, sessions: { store: 'memory' } },
      { authenticate: ['apiKey'], apiKeyPlaces: [{ from: 'cookie', name: '__Host-sid' }] },
    ),
    ['routes[0].apiKeyPlaces[0] names the cookie that holds a session'],
  ],
  [
    'API keys where tokens are, told apart by nothing',
    text(
      { issuers: { main: HMAC_ISSUER }, apiKeys: { keys: [KEY] } },
      {
        authenticate: ['jwt', 'apiKey'],
        credentials: [{ from: 'query', name: 'k' }, { from: 'header' }],
        apiKeyPlaces: [
          { from: 'query', name: 'k' },
          { from: 'header', prefix: null },
        ],
      },
    ),
    [0, 1].map((index) => {
      const shared = 'holds tokens as well: name another place, or a header with a scheme'
      return `routes[0].apiKeyPlaces[${index}] ${shared}`
    }),
  ],
  [
    'API keys where opaque tokens are, without a prefix',
    text(
      {
        issuers: { main: { ...HMAC_ISSUER, introspection: INTROSPECTION } },
        apiKeys: { keys: [KEY] },
      },
      { authenticate: ['introspection', 'apiKey'], apiKeyPlaces: [{ from: 'header' }] },
    ),
    [
      'routes[0].apiKeyPlaces[0] holds opaque tokens as well, from which keys are told by ' +
        'apiKeys.prefix: set it',
    ],
  ],
  [
    'API keys that begin like a JWT',
    text({ apiKeys: { prefix: 'eyJ', keys: [KEY] } }),
    [
      'apiKeys.prefix must be 2 to 32 letters, digits and ._~+/-, and not begin like a JWT (ey, ew)',
    ],
  ],
  [
    'an API key that is listed twice',
    text({ apiKeys: { keys: [KEY, { ...KEY, sha256: 'A'.repeat(64) }] } }),
    ['apiKeys.keys[1].sha256 is the same as that of keys[0]'],
  ],
  [
    'API keys among sessions',
    text({ redis: REDIS, sessions: {}, apiKeys: { redis: true, keyPrefix: 'sess:' } }),
    ['apiKeys.keyPrefix must differ from sessions.keyPrefix, and neither may begin with the other'],
  ],
  [
    'sessions among what API keys begin with',
    text({ redis: REDIS, sessions: {}, apiKeys: { redis: true, keyPrefix: 'sess:user:' } }),
    ['apiKeys.keyPrefix must differ from sessions.keyPrefix, and neither may begin with the other'],
  ],
  [
    'a password and a file for it',
    text({ redis: { ...REDIS, password: 'p', passwordFile: 'password' } }),
    ['redis.passwordFile cannot be combined with password'],
  ],
  [
    'a database in a cluster',
    text({ redis: { ...REDIS, mode: 'cluster', database: 1 } }),
    ['redis.database must be 0 in a cluster'],
  ],
  [
    'reading from replicas in a mode without any',
    text({ redis: { ...REDIS, readFromReplicas: true } }),
    ['redis.readFromReplicas must be false in the mode standalone: it knows no replicas'],
  ],
  [
    'a user and a password of sentinels that are not asked',
    text({ redis: { ...REDIS, sentinelUsername: 'u', sentinelPassword: 'p' } }),
    [
      'redis.sentinelUsername is only for the mode sentinel',
      'redis.sentinelPassword is only for the mode sentinel',
    ],
  ],
  [
    'two servers without anybody who knows the master',
    text({ redis: { nodes: ['127.0.0.1:1', '127.0.0.1:2'] } }),
    ['redis.nodes must list one server, unless mode is sentinel or cluster'],
  ],
]

describe('Credentials', () => {
  for (const [what, configuration, expected] of CASES) {
    it(`are refused with ${what}`, () => {
      assert.deepEqual(problemLinesOf(configuration), expected)
    })
  }

  it('may have prefixes of keys that only look alike', () => {
    const { apiKeys } = parseText(
      text({ redis: REDIS, sessions: {}, apiKeys: { redis: true, keyPrefix: 'session-key:' } }),
    )
    assert.equal(apiKeys?.keyPrefix, 'session-key:')
  })

  it('may leave the life of sessions of express-session to themselves, or bound what is known', () => {
    const livesOf = (more: object) => {
      const { sessions } = parseText(text({ redis: REDIS, sessions: { ...EXPRESS, ...more } }))
      return [sessions?.ttlSeconds, sessions?.absoluteTtlSeconds]
    }
    assert.deepEqual(livesOf({}), [null, 28_800])
    assert.deepEqual(livesOf({ ttl: '24h' }), [86_400, 28_800])
    const pointers = { createdAt: '/createdAt' }
    assert.deepEqual(livesOf({ ttl: '1h', absoluteTtl: '4h', pointers }), [3_600, 14_400])
  })
})

describe('The private key of the gateway', () => {
  let directory = ''
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'sallyport-client-keys-'))
  })
  after(() => {
    rmSync(directory, { recursive: true })
  })

  function configurationWith(pem: string): string {
    writeFileSync(join(directory, 'key.pem'), pem)
    return withIntrospection({
      clientAuthentication: 'private_key_jwt',
      clientSecret: null,
      privateKeyFile: 'key.pem',
    })
  }

  const pemOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()
  const signing = [
    ['RSA of 2048 bits', () => generatedKey({ type: 'rsa', modulusLength: 2_048 })],
    ['P-256', () => generatedKey({ type: 'ec', namedCurve: 'P-256' })],
    ['P-384', () => generatedKey({ type: 'ec', namedCurve: 'P-384' })],
    ['P-521', () => generatedKey({ type: 'ec', namedCurve: 'P-521' })],
    ['Ed25519', () => generatedKey({ type: 'ed25519' })],
  ] as const
  for (const [what, generate] of signing) {
    it(`may be ${what}`, () => {
      parseText(configurationWith(pemOf(generate())), { directory })
    })
  }

  const others = [
    ['RSA of 1024 bits', () => generatedKey({ type: 'rsa', modulusLength: 1_024 })],
    ['secp256k1', () => generatedKey({ type: 'ec', namedCurve: 'secp256k1' })],
    ['Ed448', () => generatedKey({ type: 'ed448' })],
    ['X25519', () => generatedKey({ type: 'x25519' })],
  ] as const
  for (const [what, generate] of others) {
    it(`may not be ${what}`, () => {
      const configuration = configurationWith(pemOf(generate()))
      assert.deepEqual(problemLinesOf(configuration, { directory }), [
        `${AT}.privateKeyFile holds a key that signs no JWT: RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519`,
      ])
    })
  }

  it('must be one', () => {
    const publicKey = createPublicKey(generatedKey({ type: 'ed25519' }))
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    for (const content of ['rubbish', pem]) {
      assert.deepEqual(problemLinesOf(configurationWith(content), { directory }), [
        `${AT}.privateKeyFile holds no PEM private key without a passphrase`,
      ])
    }
  })
})
