/** Under which origin a browser sees the gateway. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AddressRanges } from '../../src/http/address-ranges.ts'
import { readForwarding } from '../../src/http/forwarding.ts'
import { type AskedUrl, publicOrigin } from '../../src/http/public-origin.ts'

const PROXY = '10.0.0.1'
const TRUSTED = new AddressRanges(['10.0.0.0/8'])

const DIRECT: AskedUrl = {
  authority: 'app.example.com',
  scheme: 'http',
  forwarding: null,
}

const behind = (...headers: readonly string[]): AskedUrl => ({
  ...DIRECT,
  forwarding: readForwarding(PROXY, headers, TRUSTED),
})

describe('the origin of the gateway', () => {
  it('is what a browser writes for scheme and Host', () => {
    assert.equal(publicOrigin(DIRECT), 'http://app.example.com')
    const spelled = { ...DIRECT, authority: 'APP.example.com:8080' }
    assert.equal(publicOrigin(spelled), 'http://app.example.com:8080')
    const usual = { ...DIRECT, authority: 'a.test:443', scheme: 'https' } as const
    assert.equal(publicOrigin(usual), 'https://a.test')
    assert.equal(publicOrigin({ ...DIRECT, authority: 'a.test:443' }), 'http://a.test:443')
    assert.equal(publicOrigin({ ...DIRECT, authority: '[::1]:80' }), 'http://[::1]')
  })

  it('is what nginx says, as Django and Rails ask for it', () => {
    const fields = ['x-forwarded-proto', 'https', 'x-forwarded-host', 'shop.example.com']
    assert.equal(publicOrigin(behind(...fields)), 'https://shop.example.com')
    assert.equal(publicOrigin(behind('x-forwarded-proto', 'https')), 'https://app.example.com')
  })

  it('has the port that a proxy leaves out of the host', () => {
    const host = ['x-forwarded-proto', 'https', 'x-forwarded-port', '8443']
    assert.equal(publicOrigin(behind(...host)), 'https://app.example.com:8443')
    const ported = [...host, 'x-forwarded-host', 'shop.example.com:9443']
    assert.equal(publicOrigin(behind(...ported)), 'https://shop.example.com:9443')
    for (const port of ['443', '80', '', '0', 'x', '443, 8443', '123456']) {
      const fields = ['x-forwarded-proto', 'https', 'x-forwarded-port', port]
      assert.equal(publicOrigin(behind(...fields)), 'https://app.example.com', port)
    }
  })

  it('is not what can be no host', () => {
    const list = behind('x-forwarded-host', 'evil.tld/, app.example.com')
    assert.equal(publicOrigin(list), 'http://app.example.com')
  })
})
