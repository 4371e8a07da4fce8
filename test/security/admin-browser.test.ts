/** Pages in an operator's browser against the admin listener: the fields are those of browsers. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { AdminApp } from '../../src/admin/admin-app.ts'
import type { AdminSources } from '../../src/admin/admin-endpoints.ts'
import { adminSources } from '../support/admin-sources.ts'
import { soleAnswer } from '../support/proxied-answer.ts'
import { exchangeRaw, type RawAnswer } from '../support/raw-http.ts'

const TOKEN = 'a-token-of-the-admin-listener'
const EVIL = 'https://evil.example'
const apps: AdminApp[] = []

after(async () => {
  for (const app of apps) await app.close()
})

async function startApp(
  token: string | null = null,
  changed: Partial<AdminSources> = {},
): Promise<number> {
  const app = new AdminApp({ host: '127.0.0.1', port: 0, token }, { ...adminSources, ...changed })
  apps.push(app)
  return app.listen()
}

interface Sent {
  readonly method?: string
  readonly path: string
  /** Default: the address with its port. `null`: none. */
  readonly host?: string | null
  readonly fields?: readonly string[]
  readonly body?: string
}

async function send(
  port: number,
  { method = 'GET', path, host = `127.0.0.1:${port}`, fields = [], body = '' }: Sent,
): Promise<RawAnswer> {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
  const lines = [
    `${method} ${path} HTTP/1.1`,
    ...(host === null ? [] : [`Host: ${host}`]),
    ...fields,
    ...length,
    '',
    body,
  ]
  const { answers } = await exchangeRaw(port, lines.join('\r\n'), { methods: [method] })
  return soleAnswer(answers)
}

/** As Chromium 140 sends them from a page of another origin to `http://localhost`. */
const FOREIGN: Readonly<Record<string, readonly string[]>> = {
  'an image': ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: image'],
  'a script': ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: script'],
  'a frame': ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe'],
  'an object': ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: object'],
  'fetch with no-cors': ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors'],
  'fetch with cors': [`Origin: ${EVIL}`, 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: cors'],
  'a page of another port': ['Sec-Fetch-Site: same-site', 'Sec-Fetch-Mode: no-cors'],
  'a browser without Sec-Fetch fields': [`Origin: ${EVIL}`],
  'a sandboxed frame': ['Origin: null'],
  'the same host on another port': ['Origin: http://127.0.0.1:1'],
  'a name that begins like ours': ['Origin: http://127.0.0.1.evil.example'],
  'two origins': ['Origin: http://127.0.0.1', `Origin: ${EVIL}`],
  'a site in two spellings': ['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Site: cross-site'],
}

const TELLING = [
  '/metrics',
  '/status',
  '/health/ready',
  '/sessions?userId=a',
  '/refusals',
  '/nothing',
]

function assertTellsNothing(answer: RawAnswer, what: string): void {
  assert.equal(answer.status, 403, what)
  const text = answer.body.toString()
  assert.doesNotMatch(text, /sallyport_ready|1\.2\.3|degraded|\/revocations/, what)
}

describe('a page of another origin', () => {
  for (const [what, fields] of Object.entries(FOREIGN)) {
    it(`learns nothing with ${what}, also without a token`, async () => {
      const port = await startApp()
      for (const path of TELLING) assertTellsNothing(await send(port, { path, fields }), path)
    })
  }

  it('changes nothing with a form, in any of its three encodings', async () => {
    const revoked: unknown[] = []
    const revocations: ReturnType<AdminSources['revocations']> = {
      ...adminSources.revocations(),
      revoke: (entry) => {
        revoked.push(entry)
        return { outcome: 'added', isSent: Promise.resolve(true) }
      },
    }
    const port = await startApp(null, { revocations: () => revocations })
    const body = '{"issuer": "https://issuer.example", "jti": "a"}'
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      // A browser that is too old to say where a request comes from is stopped by the type.
      for (const [fields, status] of [
        [[`Origin: ${EVIL}`, 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate'], 403],
        [[], 415],
      ] as const) {
        const sent = { method: 'POST', body, fields: [...fields, `Content-Type: ${type}`] }
        const answer = await send(port, { path: '/revocations', ...sent })
        assert.equal(answer.status, status, type)
      }
    }
    const untyped = await send(port, { method: 'POST', path: '/revocations', body })
    assert.equal(untyped.status, 415)
    const foreign = [`Origin: ${EVIL}`, 'Content-Type: application/json']
    const sent = { method: 'POST', path: '/revocations', body, fields: foreign }
    assert.equal((await send(port, sent)).status, 403)
    const removal = { method: 'DELETE', path: '/sessions?userId=a', fields: [`Origin: ${EVIL}`] }
    assert.equal((await send(port, removal)).status, 403)
    const logout = { method: 'POST', path: '/backchannel-logout', body: 'logout_token=a' }
    const type = 'Content-Type: application/x-www-form-urlencoded'
    assert.equal((await send(port, { ...logout, fields: [type, `Origin: ${EVIL}`] })).status, 403)
    assert.deepEqual(revoked, [])
  })

  it('gets no leave from a preflight, and no answer has a field of CORS', async () => {
    const port = await startApp()
    const preflight = [
      `Origin: ${EVIL}`,
      'Access-Control-Request-Method: DELETE',
      'Access-Control-Request-Headers: authorization, content-type',
      'Access-Control-Request-Private-Network: true',
    ]
    const asked = [
      await send(port, { method: 'OPTIONS', path: '/sessions', fields: preflight }),
      await send(port, { path: '/metrics', fields: [`Origin: http://127.0.0.1:${port}`] }),
      await send(port, { path: '/health/live' }),
      await send(port, { path: '/nothing' }),
    ]
    assert.deepEqual(
      asked.map(({ status }) => status),
      [403, 200, 200, 404],
    )
    for (const { headers } of asked) {
      assert.deepEqual(
        headers.filter(([name]) => name.startsWith('access-control')),
        [],
      )
    }
  })

  it('cannot embed, keep, or reinterpret an answer', async () => {
    const port = await startApp(TOKEN)
    for (const path of ['/health/live', '/metrics', '/nothing']) {
      const { headers } = await send(port, { path })
      const fields = new Map(headers)
      assert.equal(fields.get('cache-control'), 'no-store', path)
      assert.equal(fields.get('x-content-type-options'), 'nosniff', path)
      assert.equal(fields.get('cross-origin-resource-policy'), 'same-origin', path)
      assert.equal(fields.get('x-frame-options'), 'DENY', path)
      const policy = fields.get('content-security-policy') ?? ''
      for (const part of ["default-src 'none'", "frame-ancestors 'none'", "form-action 'none'"]) {
        assert.ok(policy.includes(part), `${path}: ${policy}`)
      }
      assert.doesNotMatch(policy, /unsafe|\*|http/)
    }
  })

  it('that re-points its own name here is told that this is no name of ours', async () => {
    const port = await startApp()
    // Browsers call such a request same-origin: name and port are those of the page.
    const rebound = ['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Mode: cors']
    for (const host of [`evil.example:${port}`, `127.0.0.1.evil.example:${port}`, 'localhost.']) {
      for (const path of TELLING) {
        assertTellsNothing(await send(port, { path, host, fields: rebound }), host)
      }
    }
    const twice = await send(port, { path: '/status', fields: ['Host: evil.example'] })
    assert.ok(twice.status === 400 || twice.status === 403, String(twice.status))
    assert.equal((await send(port, { path: '/status', host: null })).status, 400)
  })
})

describe('the own page, and programs', () => {
  it('are answered', async () => {
    const port = await startApp()
    const own = [
      ['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Mode: cors', 'Sec-Fetch-Dest: empty'],
      [`Origin: http://127.0.0.1:${port}`, 'Sec-Fetch-Site: same-origin'],
      // Something in front ended TLS.
      [`Origin: https://127.0.0.1:${port}`],
      ['Sec-Fetch-Site: none', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'],
      [],
    ]
    for (const fields of own) {
      assert.equal((await send(port, { path: '/status', fields })).status, 200, fields.join())
    }
    // A tunnel has another port than the listener.
    assert.equal((await send(port, { path: '/status', host: 'localhost:1' })).status, 200)
  })
})

describe('the token of the admin listener', () => {
  it('is compared whole: neither a part of it nor more than it opens', async () => {
    const port = await startApp(TOKEN)
    const near = [
      ...[TOKEN.slice(0, -1), `${TOKEN}x`, TOKEN.slice(1), TOKEN.toUpperCase()],
      ...[`${TOKEN.slice(0, -1)}x`, `x${TOKEN.slice(1)}`, `${TOKEN},${TOKEN}`, `${TOKEN} x`, ''],
    ]
    for (const token of near) {
      const fields = [`Authorization: Bearer ${token}`]
      assert.equal((await send(port, { path: '/status', fields })).status, 401, token)
    }
    const twice = [`Authorization: Bearer ${TOKEN}`, 'Authorization: Bearer x']
    assert.notEqual((await send(port, { path: '/status', fields: twice })).status, 200)
    const inQuery = await send(port, { path: `/status?access_token=${TOKEN}&token=${TOKEN}` })
    assert.equal(inQuery.status, 401)
    const cookie = [`Cookie: token=${TOKEN}`]
    assert.equal((await send(port, { path: '/status', fields: cookie })).status, 401)
    const good = [`Authorization: Bearer ${TOKEN}`]
    assert.equal((await send(port, { path: '/status', fields: good })).status, 200)
  })

  it('does not help a page of another origin that has learnt it', async () => {
    const port = await startApp(TOKEN)
    const fields = [`Authorization: Bearer ${TOKEN}`, `Origin: ${EVIL}`]
    assertTellsNothing(await send(port, { path: '/status', fields }), 'with a token')
  })
})
