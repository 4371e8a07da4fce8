import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import {
  type CaseBlindUpstream,
  startExpressUpstream,
  startSemicolonUpstream,
  startWindowsUpstream,
} from '../support/case-blind-upstreams.ts'
import { sha256 } from '../support/stored-credentials.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'

const USER = 'key-of-a-plain-user'
const ADMIN = 'key-of-an-administrator'
const SPELLINGS = 4_500
const HOSTS = ['express.test', 'windows.test', 'semicolon.test'] as const

const adminOnly = { authenticate: ['apiKey'], require: { roles: { all: ['admin'] } } }

function routesOf(upstream: string) {
  const host = `${upstream}.test`
  const route = (name: string, path: string, methods: readonly string[], settings: object) => ({
    name: `${upstream}-${name}`,
    match: { path, host, methods },
    upstream,
    ...settings,
  })
  return [
    route('admin', '/api/admin/*', [], adminOnly),
    route('settings', '/api/*/settings', ['GET'], adminOnly),
    route('sensitive', '/sensitive/admin/*', [], { ...adminOnly, caseSensitive: true }),
    route('open', '/sensitive/*', [], { authenticate: ['apiKey'], caseSensitive: true }),
    route('rest', '/*', [], { authenticate: ['apiKey'] }),
  ]
}

/** One character of a path, in one of its spellings. */
function spelled(character: string): fc.Arbitrary<string> {
  const hex = character.charCodeAt(0).toString(16)
  const upper = character.toUpperCase()
  return fc.oneof(
    { weight: 12, arbitrary: fc.constant(character) },
    { weight: 3, arbitrary: fc.constant(upper) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        `%${hex}`,
        `%${upper.charCodeAt(0).toString(16)}`,
        `%25${hex}`,
        `%25${upper.charCodeAt(0).toString(16)}`,
        `%2525${hex}`,
        // Full width, which compatibility folding makes ASCII again.
        encodeURIComponent(String.fromCharCode(character.charCodeAt(0) + 0xfee0)),
        ...(character === 's' ? ['%C5%BF'] : []),
        ...(character === 'i' ? ['%C4%B0', '%C4%B1'] : []),
      ),
    },
  )
}

const segmentEnd = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '.',
      '..',
      '...',
      '%20',
      '.%20',
      '%20.',
      '%2520',
      '%252E',
      ';',
      ';x=1',
      ';/x',
      ';x/y',
      '%250A',
      '%3Bx',
      '%253Bx',
      '%3F',
      '%253Fx',
      '%23',
      '%2500',
      '%EF%BC%8E',
      '%EF%BC%9Bx',
    ),
  },
)

const separator = fc.oneof(
  { weight: 8, arbitrary: fc.constant('/') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '//',
      '/./',
      '/;/',
      '%2F',
      '%252F',
      '%25252f',
      '%5C',
      '%255C',
      '/%20/',
      '/.%20/',
      '/%252E/',
      '/x/../',
      '/x/%2E%2E/',
      '/x/%252e%252e/',
      '/x%252F..%252F',
      '/x/..%20/',
      '/x/..%253B/',
      '/%E3%80%82/',
      '%EF%BC%8F',
    ),
  },
)

function spellings(path: readonly string[]): fc.Arbitrary<string> {
  const parts = path.flatMap((segment) => [
    separator,
    fc.tuple(...segment.split('').map(spelled)).map((letters) => letters.join('')),
    segmentEnd,
  ])
  return fc.tuple(...parts).map((texts) => texts.join('').replace(/^[^/]*/, ''))
}

const anySpelling = fc.oneof(
  spellings(['api', 'admin', 'users']),
  spellings(['api', 'admin']),
  spellings(['api', 'things', 'settings']),
)

describe('a path in another spelling', () => {
  let express: CaseBlindUpstream
  let windows: CaseBlindUpstream
  let semicolon: CaseBlindUpstream
  let gateway: TestGateway
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })

  before(async () => {
    express = await startExpressUpstream()
    windows = await startWindowsUpstream()
    semicolon = await startSemicolonUpstream()
    gateway = await startGateway(
      JSON.stringify({
        server: { host: '127.0.0.1', port: 0, drain: { delay: '0s', timeout: '200ms' } },
        admin: { host: '127.0.0.1', port: 0 },
        upstreams: {
          express: { targets: [express.origin] },
          windows: { targets: [windows.origin] },
          semicolon: { targets: [semicolon.origin] },
        },
        apiKeys: {
          keys: [
            { sha256: sha256(USER), userId: 'user' },
            { sha256: sha256(ADMIN), userId: 'admin', roles: ['admin'] },
          ],
        },
        routes: ['express', 'windows', 'semicolon'].flatMap(routesOf),
        logging: { accessLog: { enabled: false } },
      }),
    )
  })
  after(async () => {
    agent.destroy()
    await gateway.stop()
    await express.close()
    await windows.close()
    await semicolon.close()
  })

  const ports = () => [express.port, windows.port, semicolon.port]

  function ask(
    port: number,
    path: string,
    host: string,
    key: string,
    method = 'GET',
  ): Promise<{ readonly status: number; readonly text: string }> {
    return new Promise((resolve, reject) => {
      const headers = { host, 'x-api-key': key }
      const sent = request({ host: '127.0.0.1', port, path, method, headers, agent }, (answer) => {
        let text = ''
        answer.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      })
      sent.on('error', reject)
      sent.end()
    })
  }

  it('never reaches what only an administrator may reach', async () => {
    const reachable: Record<string, number> = {}
    await fc.assert(
      fc.asyncProperty(anySpelling, fc.constantFrom(...HOSTS), async (path, host) => {
        const [behind = 0] = HOSTS.flatMap((name, place) => (name === host ? ports()[place] : []))
        const direct = await ask(behind, path, host, USER)
        if (direct.text === 'admin') reachable[host] = (reachable[host] ?? 0) + 1
        const { status, text } = await ask(gateway.port, path, host, USER)
        assert.notEqual(text, 'admin', path)
        assert.ok([200, 400, 403].includes(status), `${status} ${path}`)
      }),
      { numRuns: SPELLINGS },
    )
    // Or nothing was shown: these spellings do reach it where no gateway stands in between.
    assert.ok((reachable['express.test'] ?? 0) > 100, JSON.stringify(reachable))
    assert.ok((reachable['windows.test'] ?? 0) > 300, JSON.stringify(reachable))
    assert.ok((reachable['semicolon.test'] ?? 0) > 20, JSON.stringify(reachable))
  })

  it('passes when every reading belongs to the same route', async () => {
    for (const path of [
      '/api/things/AbC',
      '/api/Things',
      '/files/Readme.MD',
      '/a%20b',
      '/caf%C3%89',
      '/v1/a:batchGet',
      '/odata/$metadata',
      '/x%252Fy',
      '/x;v=1',
      '/title%E2%80%A6',
    ]) {
      const { status, text } = await ask(gateway.port, path, 'express.test', USER)
      assert.equal(`${status} ${text}`, '200 other', path)
    }
    const { text } = await ask(gateway.port, '/api/admin/Users/AbC', 'express.test', ADMIN)
    assert.equal(text, 'admin')
  })

  it('belongs to another route where the service tells case apart', async () => {
    const open = await ask(gateway.port, '/sensitive/Admin/x', 'express.test', USER)
    assert.equal(`${open.status} ${open.text}`, '200 other')
    const decodedTwice = await ask(gateway.port, '/sensitive/%2561dmin', 'express.test', USER)
    assert.equal(decodedTwice.status, 400)
  })

  it('is told apart by method: HEAD is judged as the GET that it asks about', async () => {
    for (const host of HOSTS) {
      const head = await ask(gateway.port, '/api/things/settings', host, USER, 'HEAD')
      assert.equal(head.status, 403)
    }
  })

  it('is answered by the gateway itself for its own health, with a slash at the end too', async () => {
    const { status, text } = await ask(gateway.port, '/health/live/', 'express.test', USER)
    assert.equal(`${status} ${text}`, '200 {"status":"live"}')
  })
})
