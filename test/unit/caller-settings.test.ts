/** What `check --proxy` prints, and that the examples say the same. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { callerSettings } from '../../src/cli/caller-settings.ts'
import { CALLERS } from '../../src/cli/callers.ts'
import { readRepositoryFile } from '../architecture/repository.ts'
import { parseText } from '../support/configuration-text.ts'

const example = (file: string) => readRepositoryFile(`examples/decision/${file}`).text
const settings = parseText(example('gateway.yaml'))
const withSection = (text: string) => parseText(`${example('gateway.yaml')}\n${text}\n`)
const lines = (text: string) => text.split('\n').map((line) => line.trim())

describe('what is printed for a proxy that asks', () => {
  it('is what the example of nginx includes', () => {
    assert.equal(`${callerSettings('nginx', settings)}\n`, example('decided-fields.conf'))
  })

  for (const [caller, file] of [
    ['haproxy', 'haproxy.cfg'],
    ['envoy', 'envoy.yaml'],
  ] as const) {
    it(`is in the example of ${caller}, in this order`, () => {
      const printed = lines(callerSettings(caller, settings)).filter((it) => !it.startsWith('#'))
      const written = lines(example(file))
      let place = 0
      for (const line of printed) {
        place = written.indexOf(line, place) + 1
        assert.notEqual(place, 0, line)
      }
    })
  }

  it('names every field that says who is calling, and no id of a request', () => {
    for (const caller of CALLERS) {
      const text = callerSettings(caller, settings).toLowerCase()
      for (const name of ['x-user-id', 'x-tenant-id', 'x-auth-status', 'x-token-scopes']) {
        assert.ok(text.includes(name), `${caller}: ${name}`)
      }
      assert.equal(text.includes('x-request-id'), false, caller)
    }
  })

  it('follows the names of the configuration', () => {
    const headers = '{ userId: X-Caller, custom: { X-Department: /department } }'
    const renamed = withSection(`identity: { headers: ${headers} }`)
    for (const caller of CALLERS) {
      const text = callerSettings(caller, renamed).toLowerCase()
      for (const name of ['x-caller', 'x-department', 'x-user-id']) assert.ok(text.includes(name))
    }
  })

  it('hands a minted token on in place of the credential', () => {
    const minted = parseText(`${example('gateway.yaml')}\nidentity: { strategy: internal-token }\n`)
    const text = callerSettings('nginx', minted)
    assert.match(text, /proxy_set_header Authorization +\$decided_authorization;/)
    assert.doesNotMatch(text, /Authorization +"";/)
  })

  it('leaves Envoy the credential that it asks with, and hands a minted token on', () => {
    const minted = parseText(`${example('gateway.yaml')}\nidentity: { strategy: internal-token }\n`)
    const text = callerSettings('envoy', minted)
    assert.doesNotMatch(text, /remove: authorization/)
    assert.match(text, /exact: authorization/)
  })

  it('takes a tenant in a field of the identity out for Envoy, and says so', () => {
    const resolve = '[{ from: header, name: X-Tenant-Id }]'
    const named = withSection(`tenants: { resolve: ${resolve}, registry: { acme: {} } }`)
    const text = callerSettings('envoy', named)
    assert.match(text, /remove: x-tenant-id/)
    assert.match(text, /# x-tenant-id names the tenant/)
  })
})
