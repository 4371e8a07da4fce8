/** What `check --proxy` prints, and that the examples say the same. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { callerSettings } from '../../src/cli/caller-settings.ts'
import { CALLERS, type Caller } from '../../src/cli/callers.ts'
import { check } from '../../src/cli/check.ts'
import { EXIT } from '../../src/cli/exit-code.ts'
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

describe('check of a configuration whose decisions others ask for', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-callers-'))
  after(() => rmSync(directory, { recursive: true }))

  async function checked(text: string, proxy: Caller | null = null) {
    const configFile = join(directory, 'gateway.yaml')
    writeFileSync(configFile, text)
    const lines = { out: [] as string[], err: [] as string[] }
    const terminal = {
      print: (line: string) => void lines.out.push(line),
      printError: (line: string) => void lines.err.push(line),
      end: () => Promise.resolve(),
    }
    const code = await check({ configFile, online: false, proxy }, terminal)
    return { code, out: lines.out.join('\n'), err: lines.err.join('\n') }
  }

  it('says who may ask and where, and warns of nothing that is well', async () => {
    const { code, out, err } = await checked(example('gateway.yaml'))
    assert.equal(code, EXIT.ok)
    assert.match(out, /decision: 10\.0\.0\.0\/24 may ask at \/_sallyport\/decide on port 8082/)
    assert.equal(err, '')
  })

  it('warns of everybody as a trusted peer, and of the main port', async () => {
    const open = example('gateway.yaml')
      .replace('[10.0.0.0/24]', '[0.0.0.0/0]')
      .replace('  port: 8082\n', '')
    const { err } = await checked(open)
    assert.match(err, /decision\.trustedPeers: every address may ask/)
    assert.match(err, /decision\.port: without one/)
  })

  it('prints what a proxy needs and nothing else, or that there is nothing to ask', async () => {
    const { out } = await checked(example('gateway.yaml'), 'nginx')
    assert.equal(`${out}\n`, example('decided-fields.conf'))
    const without = example('gateway.yaml').replace(/^decision:\n(?: .*\n)+/m, '')
    const { code, err } = await checked(without, 'nginx')
    assert.equal(code, EXIT.refused)
    assert.match(err, /there is no section decision/)
  })
})
