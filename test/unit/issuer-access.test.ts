/** How the keys of an issuer are reached over reloads: what stays, what is replaced, and ends. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { IssuerAccess } from '../../src/supervisor/issuer-access.ts'
import { Resources } from '../../src/threads/resources.ts'
import { ISSUERS, parseText } from '../support/configuration-text.ts'

/** The one issuer of a configuration, read anew, as a reload does. */
function issuerOf(more: Record<string, unknown>) {
  const text = JSON.stringify({
    issuers: { main: { ...ISSUERS.main, ...more } },
    upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
    routes: [{ name: 'all', match: { path: '/*' }, upstream: 'users' }],
  })
  const [issuer] = parseText(text).issuers
  assert.ok(issuer !== undefined)
  return issuer
}

const headers = (value: string) => ({
  jwks: { uri: 'https://x.example/k', headers: { 'X-A': value } },
})

describe('how the keys of an issuer are reached', () => {
  it('stays as it is over a reload that does not change it, with nothing left to end', async () => {
    const resources = new Resources()
    const access = new IssuerAccess(issuerOf(headers('one')), 2, resources)
    const { http } = access
    assert.equal(access.use(issuerOf(headers('two'))), null)
    assert.equal(access.http, http)
    assert.deepEqual(
      access.fields.map(({ name, value }) => [name, value]),
      [['x-a', 'two']],
    )
    await access.release()
    assert.equal(resources.size, 0)
  })

  it('is replaced where the proxy changes, and what was in use ends when it is told to', async () => {
    const resources = new Resources()
    const access = new IssuerAccess(issuerOf({}), 2, resources)
    const { http } = access
    const endFormer = access.use(issuerOf({ proxy: 'http://proxy.example:3128' }))
    assert.notEqual(access.http, http)
    assert.equal(resources.size, 2)
    endFormer?.()
    await access.release()
    assert.equal(resources.size, 0)
  })
})
