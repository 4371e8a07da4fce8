/** What settings name outside the configuration: files, and variables that win over it. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  ISSUERS,
  LEAST_CONFIGURATION,
  parseText,
  problemLinesOf,
} from '../support/configuration-text.ts'
import { generatedKey } from '../support/generated-key.ts'
import { SELF_SIGNED_CERTIFICATE } from '../support/self-signed-certificate.ts'

const MAIN = ISSUERS.main
const SECRET_32 = 's'.repeat(32)

/** JSON is YAML. */
function text(more: object): string {
  return JSON.stringify({
    issuers: { main: MAIN },
    upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
    routes: [{ name: 'users', match: { path: '/users' }, upstream: 'users' }],
    ...more,
  })
}

function withIssuer(more: object): string {
  return text({ issuers: { main: { ...MAIN, ...more } } })
}

describe('Files that settings name', () => {
  let directory = ''
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'sallyport-files-'))
    writeFileSync(join(directory, 'secret'), `${SECRET_32}\n`)
    writeFileSync(join(directory, 'short'), 'short\n')
    writeFileSync(join(directory, 'huge'), 'x'.repeat(65_537))
    writeFileSync(join(directory, 'empty'), '')
    writeFileSync(join(directory, 'line-end'), '\r\n')
    writeFileSync(join(directory, 'pem'), '')
    writeFileSync(join(directory, 'cert'), SELF_SIGNED_CERTIFICATE.cert)
    writeFileSync(join(directory, 'der'), new X509Certificate(SELF_SIGNED_CERTIFICATE.cert).raw)
    writeFileSync(join(directory, 'key'), SELF_SIGNED_CERTIFICATE.key)
    const privateKey = generatedKey({ type: 'ec', namedCurve: 'P-256' })
    const pem = { type: 'pkcs8', format: 'pem' } as const
    const secretly = { ...pem, cipher: 'aes-256-cbc', passphrase: 'p' } as const
    writeFileSync(join(directory, 'other-key'), privateKey.export(pem))
    writeFileSync(join(directory, 'encrypted-key'), privateKey.export(secretly))
  })
  after(() => {
    rmSync(directory, { recursive: true })
  })

  it('are problems at their settings when they cannot be read', () => {
    const settings = {
      server: { tls: { certFile: 'no-cert', keyFile: '.' } },
      admin: { tokenFile: 'no-token' },
      issuers: {
        a: { ...MAIN, jwks: { file: 'no-keys' } },
        b: {
          ...MAIN,
          issuer: 'b',
          jwks: null,
          algorithms: ['HS256'],
          secretFile: 'no-secret',
        },
      },
    }
    assert.deepEqual(problemLinesOf(text(settings), { directory }).toSorted(), [
      'admin.tokenFile names a file that cannot be read (ENOENT)',
      'issuers.a.jwks.file names a file that cannot be read (ENOENT)',
      'issuers.b.secretFile names a file that cannot be read (ENOENT)',
      'server.tls.certFile names a file that cannot be read (ENOENT)',
      'server.tls.keyFile names something that is not a file',
    ])
  })

  it('hold secrets, without the line end that editors add', () => {
    const issuer = withIssuer({ algorithms: ['HS256'], jwks: null, secretFile: 'secret' })
    const keys = parseText(issuer, { directory }).issuers[0]?.keys
    assert.ok(keys?.kind === 'secret')
    assert.equal(Buffer.from(keys.secret).toString(), SECRET_32)
  })

  it('must hold enough, and not too much', () => {
    const issuer = (secretFile: string): string => {
      return withIssuer({ algorithms: ['HS256'], jwks: null, secretFile })
    }
    assert.match(problemLinesOf(issuer('short'), { directory }).join(), /at least 32 bytes/)
    assert.match(problemLinesOf(issuer('huge'), { directory }).join(), /more than 65536 bytes/)
    assert.match(
      problemLinesOf(text({ admin: { tokenFile: 'short' } }), { directory }).join(),
      /^admin\.tokenFile must hold 16 to 1024 characters/,
    )
  })

  for (const file of ['empty', 'line-end']) {
    it(`must hold a secret where one is asked for, and not be ${file}`, () => {
      const introspection = { endpoint: 'https://a.example/i', clientId: 'c' }
      const settings = {
        admin: { tokenFile: file },
        redis: { mode: 'standalone', nodes: ['127.0.0.1:1'], passwordFile: file },
        identity: {
          internalToken: { keySecretFile: file, previousSecrets: [{ secretFile: file }] },
        },
        sessions: { format: 'express-session', secretFile: file },
        issuers: {
          a: { ...MAIN, algorithms: ['HS256'], jwks: null, secretFile: file },
          b: {
            ...MAIN,
            issuer: 'b',
            jwks: null,
            introspection: { ...introspection, clientSecretFile: file },
          },
        },
      }
      assert.deepEqual(
        problemLinesOf(text(settings), { directory }).toSorted(),
        [
          'admin.tokenFile',
          'identity.internalToken.keySecretFile',
          'identity.internalToken.previousSecrets[0].secretFile',
          'issuers.a.secretFile',
          'issuers.b.introspection.clientSecretFile',
          'redis.passwordFile',
          'sessions.secretFile',
        ].map((setting) => `${setting} names a file that is empty`),
      )
    })
  }

  for (const file of ['empty', 'line-end', 'secret', 'key', 'der']) {
    it(`must hold the certificate of an authority that Redis is trusted by, unlike ${file}`, () => {
      const redis = { mode: 'standalone', nodes: ['127.0.0.1:1'], tls: { caFile: file } }
      assert.deepEqual(problemLinesOf(text({ redis }), { directory }), [
        'redis.tls.caFile holds no PEM certificate',
      ])
    })
  }

  it('hold the certificate of an authority that Redis is trusted by', () => {
    const redis = { mode: 'standalone', nodes: ['127.0.0.1:1'], tls: { caFile: 'cert' } }
    const { ca } = parseText(text({ redis }), { directory }).redis?.tls ?? {}
    assert.equal(ca, SELF_SIGNED_CERTIFICATE.cert)
  })

  it('cannot be combined with the secret itself', () => {
    const token = 't'.repeat(20)
    assert.deepEqual(
      problemLinesOf(text({ admin: { token, tokenFile: 'secret' } }), { directory }),
      ['admin.tokenFile cannot be combined with token'],
    )
  })

  it('become absolute', () => {
    const tls = { certFile: 'cert', keyFile: join(directory, 'key') }
    assert.deepEqual(parseText(text({ server: { tls } }), { directory }).server.tls, {
      certFile: join(directory, 'cert'),
      keyFile: join(directory, 'key'),
    })
  })

  for (const [certFile, keyFile, ...expected] of [
    [
      'pem',
      'pem',
      'server.tls.certFile holds no PEM certificate',
      'server.tls.keyFile holds no PEM private key without a passphrase',
    ],
    ['key', 'key', 'server.tls.certFile holds no PEM certificate'],
    ['der', 'key', 'server.tls.certFile holds no PEM certificate'],
    ['cert', 'cert', 'server.tls.keyFile holds no PEM private key without a passphrase'],
    ['cert', 'encrypted-key', 'server.tls.keyFile holds no PEM private key without a passphrase'],
    [
      'cert',
      'other-key',
      'server.tls.keyFile holds a key that does not belong to the certificate in certFile',
    ],
    ['huge', 'key', 'server.tls.certFile names a file of more than 65536 bytes'],
  ] as const) {
    it(`must be able to serve TLS together, unlike ${certFile} and ${keyFile}`, () => {
      const tls = { certFile, keyFile }
      assert.deepEqual(problemLinesOf(text({ server: { tls } }), { directory }), expected)
    })
  }
})

describe('Variables that win over the file', () => {
  it('set the size of the cache and the ages of key sets', () => {
    const environment = {
      SALLYPORT_CACHE_MIB: '7',
      JWKS_CACHE_TTL: '11',
      JWKS_REFRESH_INTERVAL: '3',
    }
    const configuration = parseText(`${LEAST_CONFIGURATION}\ncache: { sizeMiB: 128 }`, {
      environment,
    })
    assert.equal(configuration.cache.sizeMiB, 7)
    const keys = configuration.issuers[0]?.keys
    assert.ok(keys?.kind === 'jwks')
    assert.equal(keys.cacheTtlMs, 11_000)
    assert.equal(keys.refreshIntervalMs, 3_000)
  })
})
