/** Reading a configuration: defaults, problems, and the file itself. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ConfigError } from '../../src/config/config-error.ts'
import { configLoader } from '../../src/config/load-config.ts'
import type { GatewayConfiguration } from '../../src/config/sections.ts'
import { byPart } from '../../src/protocol/identity-parts.ts'
import {
  LEAST_CONFIGURATION,
  parseText,
  problemLinesOf,
  problemsOf,
} from '../support/configuration-text.ts'
import { claimPath } from '../support/jwt-policy.ts'
import { MATCH_DEFAULTS, ROUTE_DEFAULTS, UPSTREAM_DEFAULTS } from '../support/route-defaults.ts'

function defaultPlaces(...texts: string[]) {
  return { places: texts.map(plainPlace), isDefault: true }
}

function plainPlace(text: string) {
  return { path: claimPath(text), readsNames: false }
}

describe('The least configuration', () => {
  const configuration = parseText(LEAST_CONFIGURATION)
  const [issuer] = configuration.issuers
  const [upstream] = configuration.upstreams
  const [route] = configuration.routes

  const defaults: readonly (readonly [string, unknown, unknown])[] = [
    ['server.host', configuration.server.host, '0.0.0.0'],
    ['server.port', configuration.server.port, 8_080],
    ['server.trustedProxies', configuration.server.trustedProxies, []],
    ['server.tls', configuration.server.tls, null],
    [
      'server.limits',
      configuration.server.limits,
      {
        headers: 100,
        headerBytes: 16_384,
        urlBytes: 8_192,
        bodyBytes: 10_485_760,
        tokenBytes: 8_192,
      },
    ],
    [
      'server.timeouts',
      configuration.server.timeouts,
      {
        headMs: 10_000,
        bodyMs: 60_000,
        bodyMinRate: 512,
        requestMs: null,
        stalledReaderMs: 60_000,
        keepAliveMs: 60_000,
      },
    ],
    ['server.drain', configuration.server.drain, { delayMs: 5_000, timeoutMs: 30_000 }],
    ['admin', configuration.admin, { host: '127.0.0.1', port: 9_090, token: null }],
    ['cache', configuration.cache, { sizeMiB: 64, refusalTtlMs: 10_000 }],
    ['issuer.algorithms', issuer?.algorithms, ['RS256', 'ES256', 'EdDSA']],
    ['issuer.clockTolerance', issuer?.clockToleranceSeconds, 5],
    ['issuer.requiredClaims', issuer?.requiredClaims, ['sub']],
    ['issuer.types', issuer?.types, ['JWT', 'at+jwt']],
    ['issuer.issuerValues', issuer?.placeholder, null],
    ['issuer.clientIds', issuer?.clientIds, []],
    ['issuer.boundTokens', issuer?.acceptsBound, false],
    [
      'issuer.jwks',
      issuer?.keys,
      {
        kind: 'jwks',
        location: { kind: 'uri', uri: 'https://idp.example.com/keys' },
        cacheTtlMs: 300_000,
        refreshIntervalMs: 60_000,
        unknownKidCooldownMs: 30_000,
        staleMaxAgeMs: 3_600_000,
        timeoutMs: 2_000,
        diskCache: null,
        allowInsecureHttp: false,
        alertOnStale: true,
        fields: [],
      },
    ],
    [
      'issuer.path',
      issuer?.path,
      {
        ca: null,
        certificate: null,
        key: null,
        proxies: { https: null, http: null, noProxy: [] },
      },
    ],
    [
      'issuer.claims',
      issuer?.claims,
      {
        subject: defaultPlaces('sub'),
        clientId: defaultPlaces('client_id', 'azp'),
        ...byPart(({ claim }) => defaultPlaces(claim)),
        email: defaultPlaces('email'),
        roles: defaultPlaces('roles'),
        scopes: defaultPlaces('scope'),
        tenant: defaultPlaces('tenant_id'),
        organisation: defaultPlaces('org_id'),
      },
    ],
    ['issuer.acceptsUnverifiedEmail', issuer?.acceptsUnverifiedEmail, false],
    [
      'identity',
      configuration.identity,
      {
        strategy: 'headers',
        headers: {
          userId: 'X-User-Id',
          clientId: 'X-Client-Id',
          ...byPart(({ header }) => header),
          email: 'X-User-Email',
          roles: 'X-User-Roles',
          tenant: 'X-Tenant-Id',
          organisation: 'X-Org-Id',
          tenantPlan: 'X-Tenant-Plan',
          issuer: 'X-Token-Issuer',
          scopes: 'X-Token-Scopes',
          expires: 'X-Token-Expires',
          sessionId: 'X-Session-Id',
          requestId: 'X-Request-Id',
          correlationId: 'X-Correlation-Id',
          custom: {},
        },
        internalToken: {
          issuer: 'gateway.internal',
          audience: 'internal-services',
          algorithm: 'ES256',
          claims: {},
          ttlSeconds: 300,
          keyRotationMs: 86_400_000,
          upstreamCacheMs: 600_000,
          keys: { kind: 'generated' },
        },
      },
    ],
    [
      'upstream',
      upstream,
      {
        name: 'users',
        targets: ['http://127.0.0.1:9500'],
        ...UPSTREAM_DEFAULTS,
        ejectAfterFailures: 3,
        probeIntervalMs: 5_000,
        retryBudget: 0.1,
        caseSensitive: false,
      },
    ],
    [
      'route',
      route,
      {
        name: 'users',
        match: { path: '/users/*', ...MATCH_DEFAULTS },
        upstream: 'users',
        caseSensitive: false,
        ...ROUTE_DEFAULTS,
        allowFrom: [],
        denyFrom: [],
        errors: { codeHeader: 'x-sallyport-code', template: null, page: null },
        apiKeyPlaces: [],
        authenticate: 'required',
        authenticators: ['jwt'],
        issuers: ['main'],
        audiences: null,
        introspectJwts: false,
        require: {
          scopesAll: [],
          scopesAny: [],
          rolesAll: [],
          rolesAny: [],
          claims: [],
          issuers: [],
        },
        tenant: 'none',
        identity: 'headers',
        credentials: [{ kind: 'header', name: 'authorization', scheme: 'Bearer' }],
        resourceMetadata: null,
        resource: null,
        loginRedirect: null,
        rateLimit: null,
        cors: null,
        csrf: 'browsers',
        mode: 'enforce',
      },
    ],
    [
      'logging',
      configuration.logging,
      {
        level: 'info',
        bufferKiB: 1024,
        accessLog: {
          enabled: true,
          sampling: 0.001,
          refusalSampling: 0.1,
          failureSampling: 1,
          linesPerSecondMax: 500,
          redactPath: [],
          userDigest: false,
        },
        webhook: null,
      },
    ],
    ['watch', configuration.watch, false],
    [
      'tuning',
      configuration.tuning,
      {
        cores: 4,
        memoryLimitMiB: null,
        listenerThreads: 3,
        verifyThreads: 3,
        verifyBatchMax: 32,
        verifyQueueMax: 8_192,
        upstreamConnections: 256,
        receiveBufferBytes: 262_144,
        bodyMemoryBytes: 67_108_864,
        identityProviderConnections: 100,
        redisConnectionsMin: 5,
        redisConnectionsMax: 50,
        allowUnknownNativeServer: false,
      },
    ],
  ]

  for (const [name, actual, expected] of defaults) {
    it(`has the promised default for ${name}`, () => {
      assert.deepEqual(actual, expected)
    })
  }

  it('can be handed to another thread', () => {
    assert.deepEqual(structuredClone(configuration), configuration)
  })
})

describe('Problems with a configuration', () => {
  it('are told all at once, each with its place in the file', () => {
    const problems = problemsOf(
      [
        'server: { port: 99999, colour: red }',
        'admin: { host: 0.0.0.0 }',
        'issuers:',
        '  main: { issuer: https://a, audiences: [] }',
        'upstreams: { users: { targets: [ftp://x] } }',
        'routes:',
        "  - { name: r, match: { path: 'users' }, upstream: users }",
        "  - { name: s, match: { path: '/s' }, upstream: nowhere }",
      ].join('\n'),
      { environment: { SALLYPORT_LISTENER_THREADS: 'many' } },
    )
    assert.deepEqual(
      problems.map(({ path, line }) => [path, line]),
      [
        ['server.port', 1],
        ['server.colour', 1],
        ['admin.token', 2],
        ['issuers.main.audiences', 4],
        ['upstreams.users.targets[0]', 5],
        ['routes[0].match.path', 7],
        ['routes[1].upstream', 8],
        ['SALLYPORT_LISTENER_THREADS', null],
      ],
    )
  })

  it('of one section do not hide those of another that depend on the machine', () => {
    const text = 'cache: { sizeMiB: 65 }\nserver: { port: 99999 }\n'
    const machine = { cores: 1, memoryBytes: 128 * 1_048_576 }
    assert.deepEqual(problemLinesOf(text + LEAST_CONFIGURATION, { machine }), [
      'cache.sizeMiB must be at most half of the memory limit, which is 128 MiB',
      'server.port must be a whole number from 0 to 65535',
    ])
  })

  it('of the section redis are not told again of what needs it', () => {
    const text = 'redis: { nodes: [] }\nrevocation: { spoolDirectory: spool }\n'
    assert.deepEqual(problemLinesOf(text + LEAST_CONFIGURATION), [
      'redis.nodes must list at least one',
    ])
  })

  it('never repeat a value from the file, because it may be a secret', () => {
    const secret = 'hunter2hunter2'
    const text = [
      `server: { port: ${secret}, host: 'a ${secret}', drain: { delay: ${secret} } }`,
      `admin: { token: '${secret} !' }`,
      `issuers: { a: { issuer: x, audiences: [x], algorithms: [${secret}] }, b: ${secret} }`,
      `upstreams: { u: { targets: [${secret}] } }`,
      `routes: [{ name: '${secret} ', match: { path: ${secret} }, upstream: ${secret} }, ${secret}]`,
      `logging: ${secret}`,
    ].join('\n')
    assert.ok(problemsOf(text).length > 8)
    assert.doesNotMatch(JSON.stringify(problemsOf(text)), /hunter2/)
    assert.doesNotMatch(JSON.stringify(problemsOf(`a: "${secret}" ${secret}`)), /hunter2/)
  })

  const later = [['streams: {}', 'streams']] as const
  for (const [line, path] of later) {
    it(`say that "${line}" is not available in this version`, () => {
      const problems = problemsOf(`${LEAST_CONFIGURATION}\n${line}`)
      assert.deepEqual(
        problems.map((problem) => problem.path),
        [path],
      )
      assert.match(problems[0]?.message ?? '', /not available in this version/)
    })
  }

  const laterOnRoute = [['streams: {}', 'routes[0].streams']] as const
  for (const [setting, path] of laterOnRoute) {
    it(`say that "${setting}" on a route is not available in this version`, () => {
      const text = LEAST_CONFIGURATION.replace('upstream: users }', `upstream: users, ${setting} }`)
      const problems = problemsOf(text)
      assert.deepEqual(
        problems.map((problem) => problem.path),
        [path],
      )
      assert.match(problems[0]?.message ?? '', /not available in this version/)
    })
  }

  const quiet = [
    ["server: { port: '80' }", 'server.port must be a whole number from 0 to 65535'],
    ['server: { port: 1.5 }', 'server.port must be a whole number from 0 to 65535'],
    ['server:', 'server must be a section of settings'],
    ['watch: yes', 'watch must be true or false'],
    ['server: { drain: { delay: 5 } }', 'server.drain.delay must be a duration with its unit'],
    ['server: { drain: { delay: 11m } }', 'server.drain.delay must be from 0s to 10m'],
    ['server: { timeouts: { keepAlive: 0s } }', 'server.timeouts.keepAlive must be from 1s'],
    ['server: { tls: { certFile: /x } }', 'server.tls.keyFile is required'],
    ['server: { trustedProxies: [10.0.0.0/33] }', 'server.trustedProxies[0] must be an IP address'],
    ['__proto__: { polluted: true }', '__proto__ is not a known setting'],
    ['constructor: {}', 'constructor is not a known setting'],
    ['logging: { level: loud }', 'logging.level must be one of'],
  ] as const
  for (const [line, problem] of quiet) {
    it(`refuse "${line}"`, () => {
      const problems = problemLinesOf(`${LEAST_CONFIGURATION}\n${line}`)
      assert.equal(problems.length, 1, problems.join('\n'))
      assert.ok(problems[0]?.startsWith(problem), problems[0])
    })
  }
})

describe('The configuration file', () => {
  let directory = ''
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'sallyport-config-'))
  })
  after(() => {
    rmSync(directory, { recursive: true })
  })

  function load(content: string | Uint8Array): GatewayConfiguration {
    const file = join(directory, 'gateway.yaml')
    writeFileSync(file, content)
    return configLoader(file)().configuration
  }

  it('is where relative names of files start', () => {
    writeFileSync(join(directory, 'keys.json'), '{}')
    const text = LEAST_CONFIGURATION.replace('uri: https://idp.example.com/keys', 'file: keys.json')
    const keys = load(text).issuers[0]?.keys
    assert.ok(keys?.kind === 'jwks')
    assert.deepEqual(keys.location, { kind: 'file', file: join(directory, 'keys.json') })
  })

  it('may be at most 1 MiB', () => {
    const filler = `#${'x'.repeat(1_048_576)}`
    assert.throws(() => load(`${LEAST_CONFIGURATION}${filler}`), /larger than 1048576 bytes/)
  })

  it('must be UTF-8', () => {
    assert.throws(() => load(Uint8Array.of(0x61, 0x3a, 0xff)), /not UTF-8/)
  })

  it('is a problem of its own when it cannot be read', () => {
    const missing = join(directory, 'missing.yaml')
    assert.throws(
      () => configLoader(missing)(),
      (error) => error instanceof ConfigError && /cannot be read \(ENOENT\)/.test(error.message),
    )
    assert.throws(() => configLoader(directory)(), /cannot be read \(EISDIR\)/)
  })
})
