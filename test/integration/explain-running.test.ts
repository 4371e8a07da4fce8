/** `explain` asked of a gateway that runs, and the refusals that it remembers. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { FaultyServer } from '../support/faulty-server.ts'
import { type GatewayPlan, gatewayText } from '../support/gateway-text.ts'
import { keySetDocument } from '../support/key-documents.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import { AUDIENCE, ISSUER, mintKey } from '../support/mint-token.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))
const ADMIN_TOKEN = 'admin-token-0123456789-0123456789'
const AUTHORIZED = { authorization: `Bearer ${ADMIN_TOKEN}` }
const DEADLINE_MS = 30_000
const key = mintKey('ES256', 'k1')

const directory = mkdtempSync(join(tmpdir(), 'sallyport-explain-'))
const tokenFile = join(directory, 'admin-token')

let jwks: FaultyServer
let gateway: TestGateway

before(async () => {
  writeFileSync(tokenFile, `${ADMIN_TOKEN}\n`)
  jwks = await FaultyServer.start()
  jwks.document = keySetDocument(publishedJwk(key))
  gateway = await openGateway({
    ...planOf([]),
    waitsUntilReady: true,
    environment: { SALLYPORT_LISTENER_THREADS: '2' },
  })
})
after(async () => {
  await gateway.stop()
  await jwks.down()
  rmSync(directory, { recursive: true })
})

/** @param scopes That its route requires. */
function planOf(scopes: readonly string[]): GatewayPlan {
  return {
    admin: { host: '127.0.0.1', port: 0, token: ADMIN_TOKEN },
    issuers: { main: { issuer: ISSUER, audiences: [AUDIENCE], jwks: { uri: jwks.jwksUri } } },
    authenticate: ['jwt'],
    routes: { '/api/*': scopes.length === 0 ? {} : { require: { scopes: { all: scopes } } } },
    logging: { accessLog: { redactPath: ['/api/secrets/*'] } },
  }
}

function explain(body: object) {
  return gateway.admin('/explain', {
    method: 'POST',
    headers: { ...AUTHORIZED, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

async function sallyport(words: readonly string[], input: string) {
  const child = spawn(process.execPath, [MAIN, 'explain', ...words], { timeout: DEADLINE_MS })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  child.stdin.end(input)
  const [exitCode] = (await once(child, 'close')) as [number | null]
  return { exitCode, output }
}

function requestIdOf(body: { toString(): string }): string {
  return (JSON.parse(body.toString()) as { readonly request_id: string }).request_id
}

/** Counters that an explanation could move. */
async function counts(): Promise<readonly string[]> {
  const response = await fetch(`${gateway.adminOrigin}/metrics`, { headers: AUTHORIZED })
  const names = /^sallyport_(requests|refusals|cache|token_cache|sessions|security|rate)\w*[ {]/
  return (await response.text()).split('\n').filter((line) => names.test(line))
}

describe('a gateway that runs', () => {
  it('explains a request with the age and the place of the keys', async () => {
    const { status, body } = await explain({ url: '/api/x', token: liveToken(key, ISSUER) })
    assert.equal(status, 200)
    assert.deepEqual([body['outcome'], body['route'], body['version']], ['passes', 'atapi', 1])
    const steps = JSON.stringify(body['steps'])
    assert.ok(steps.includes(`${jwks.jwksUri}: 1 key, fetched`), steps)
    assert.match(steps, /"signature","mark":"ok"/)
  })

  it('says that a verdict is cached, and verifies anew all the same', async () => {
    const token = liveToken(key, ISSUER)
    const asked = { url: '/api/x', token }
    const uncached = JSON.stringify((await explain(asked)).body['steps'])
    assert.match(uncached, /no verdict is cached/)
    assert.equal((await gateway.ask('/api/x', bearer(token))).status, 200)
    const cached = JSON.stringify((await explain(asked)).body['steps'])
    assert.match(cached, /a verdict is cached and decides/)
    assert.match(cached, /"signature","mark":"ok"/)
  })

  it('counts no request, no refusal and no look-up for an explanation', async () => {
    const before = await counts()
    assert.ok(before.length > 10, 'there are counters to compare')
    await explain({ url: '/api/x', token: liveToken(key, ISSUER, { aud: 'else' }) })
    await explain({ url: '/api/x', token: liveToken(key, ISSUER) })
    await explain({ url: '/nowhere' })
    assert.deepEqual(await counts(), before)
  })

  it('finds the reason of a refusal by the id in its answer, without query and token', async () => {
    const token = liveToken(key, ISSUER, { aud: 'else' })
    const refused = await gateway.ask('/api/orders?secret=1', bearer(token))
    assert.equal(refused.status, 401)
    const requestId = requestIdOf(refused.body)
    const found = await gateway.admin(`/refusals/${requestId}`, { headers: AUTHORIZED })
    assert.equal(found.status, 200)
    assert.equal(found.body['reason'], 'audience_mismatch')
    assert.deepEqual(
      [found.body['route'], found.body['path'], found.body['method'], found.body['status']],
      ['atapi', '/api/orders', 'GET', 401],
    )
    assert.equal(found.body['clientAddress'], '127.0.0.1')
    const text = JSON.stringify(found.body)
    assert.ok(!text.includes('secret') && !text.includes(token))
    const told = await sallyport(
      ['--admin', gateway.adminOrigin, '--admin-token-file', tokenFile, '--request-id', requestId],
      '',
    )
    assert.equal(told.exitCode, 1)
    assert.match(
      told.output,
      /refused: 401 invalid_claims \(audience_mismatch\)\n {2}why: .*\n {2}do: /,
    )
    const listed = await gateway.admin('/refusals', { headers: AUTHORIZED })
    assert.ok(JSON.stringify(listed.body).includes(requestId))
  })

  it('knows nothing of an id that it did not give, and says so', async () => {
    const unknown = await gateway.admin('/refusals/no-such-id', { headers: AUTHORIZED })
    assert.equal(unknown.status, 404)
    const posted = await gateway.admin('/refusals', { method: 'POST', headers: AUTHORIZED })
    assert.equal(posted.status, 405)
  })

  it('says what is odd about a path without its slash', async () => {
    const { body } = await explain({ url: 'api/x' })
    assert.match(JSON.stringify(body['steps']), /the path \\"api\/x\\" does not begin with/)
  })

  it('is asked at its other port: the command doubts that this is the admin listener', async () => {
    const { exitCode, output } = await sallyport(
      ['--admin', gateway.origin, '--request-id', 'no-such-id'],
      '',
    )
    assert.equal(exitCode, 2)
    assert.match(output, /answers with 404: .*; is this the admin listener\?\n$/)
    const words = ['--admin', gateway.adminOrigin, '--admin-token-file', tokenFile]
    const unknown = await sallyport([...words, '--request-id', 'no-such-id'], '')
    assert.equal(unknown.exitCode, 2)
    assert.doesNotMatch(unknown.output, /is this/)
  })

  it('tells neither without the token of the admin listener', async () => {
    for (const path of ['/explain', '/refusals', '/refusals/x']) {
      assert.equal((await gateway.admin(path)).status, 401, path)
    }
  })

  const bad = [
    [{}, /url is needed/],
    [{ url: 1 }, /url must be a text/],
    [{ url: '/', tokn: 'x' }, /Known members are/],
    [{ url: '/', headers: { a: 1 } }, /headers must be/],
    [{ url: '/', showValues: 'yes' }, /showValues must be/],
  ] as const
  for (const [body, message] of bad) {
    it(`refuses to explain ${JSON.stringify(body)}`, async () => {
      const answered = await explain(body)
      assert.equal(answered.status, 400)
      assert.match(String(answered.body['message']), message)
    })
  }

  it('is asked by the command, with a token from the standard input', async () => {
    const words = ['--admin', gateway.adminOrigin, '--url', '/api/x', '--token', '-']
    const unauthorized = await sallyport(words, liveToken(key, ISSUER))
    assert.deepEqual([unauthorized.exitCode, /401/.test(unauthorized.output)], [2, true])
  })

  it('tells no part of a path that is redacted in its log', async () => {
    const refused = await gateway.ask('/api/secrets/hidden-part/x')
    const path = `/refusals/${requestIdOf(refused.body)}`
    const found = await gateway.admin(path, { headers: AUTHORIZED })
    assert.equal(found.body['path'], '/api/secrets/[redacted]/x')
  })

  it('explains by the configuration that it has loaded meanwhile', async () => {
    const asked = { url: '/api/x', token: liveToken(key, ISSUER) }
    assert.equal((await explain(asked)).body['outcome'], 'passes')
    const reload = async (scopes: readonly string[]) => {
      await gateway.write(gatewayText({ ...planOf(scopes), upstream: gateway.upstream.origin }))
      return gateway.admin('/reload', { method: 'POST', headers: AUTHORIZED })
    }
    assert.equal((await reload(['other'])).body['outcome'], 'reloaded')
    const { body } = await explain(asked)
    const { reason } = body['refusal'] as { readonly reason: string }
    assert.deepEqual([body['outcome'], reason], ['refused', 'scope_missing'])
    assert.match(JSON.stringify(body['steps']), /: 1 key, fetched/)
    assert.equal((await gateway.ask('/api/x', bearer(asked.token))).status, 403)
    assert.equal((await reload([])).body['outcome'], 'reloaded')
    assert.equal((await explain(asked)).body['outcome'], 'passes')
  })

  it('forgets refusals that 256 others of its thread came after', async () => {
    const first = await gateway.ask('/api/first')
    const requestId = requestIdOf(first.body)
    const path = `/refusals/${requestId}`
    assert.equal((await gateway.admin(path, { headers: AUTHORIZED })).status, 200)
    // Each connection may come to either of the two threads.
    for (let sent = 0; sent < 40; sent += 1) {
      await Promise.all(Array.from({ length: 40 }, () => gateway.ask('/api/later')))
    }
    assert.equal((await gateway.admin(path, { headers: AUTHORIZED })).status, 404)
  })
})
