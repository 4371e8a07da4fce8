/** Which calls go through an egress proxy, by the variables that name it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SettingProblem } from '../../src/config/config-error.ts'
import { readProxies } from '../../src/config/egress-environment.ts'
import { EgressProxies, parseNoProxy, parseProxyUrl } from '../../src/http/egress-proxy.ts'

const SQUID = 'http://squid.corp.example:3128'

describe('the URL of an egress proxy', () => {
  it('is that of Squid, with the credentials of a company proxy, or curl’s without a scheme', () => {
    const proxy = { isTls: false, host: 'squid.corp.example', port: 3128, authorization: null }
    assert.deepEqual(parseProxyUrl(SQUID), proxy)
    assert.deepEqual(parseProxyUrl(`${SQUID}/`), proxy)
    assert.deepEqual(parseProxyUrl('squid.corp.example:3128'), proxy)
    const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`
    const withUser = (user: string) => parseProxyUrl(SQUID.replace('//', `//${user}@`))
    assert.equal(withUser('CORP%5Cjo:p%40ss')?.authorization, basic('CORP\\jo:p@ss'))
    assert.equal(withUser('token')?.authorization, basic('token:'))
    assert.equal(parseProxyUrl('https://[2001:db8::1]')?.port, 443)
    assert.equal(parseProxyUrl('https://[2001:db8::1]')?.host, '2001:db8::1')
  })

  it('is none of another kind of proxy, and none that says more than where it is', () => {
    const none = ['', 'socks5://proxy:1080', 'ftp://proxy', `${SQUID}/path`, `${SQUID}?x=1`]
    const broken = ['http://', 'http://a b:1', 'http://u:%zz@proxy:1', 'http://proxy:99999']
    for (const text of [...none, ...broken]) assert.equal(parseProxyUrl(text), null, text)
  })
})

describe('NO_PROXY', () => {
  const listed: readonly (readonly [string, string, string, boolean])[] = [
    ['Kubernetes', '10.96.0.0/12,.svc,.cluster.local', 'https://10.96.0.1/openid', true],
    ['Kubernetes', '10.96.0.0/12,.svc,.cluster.local', 'https://kubernetes.default.svc/', true],
    ['Kubernetes', '10.96.0.0/12,.svc,.cluster.local', 'https://10.200.0.1/', false],
    ['curl', 'corp.example', 'https://idp.corp.example/', true],
    ['curl', 'corp.example', 'https://evilcorp.example/', false],
    ['curl', 'corp.example', 'https://corp.example.evil.example/', false],
    ['curl', 'a.example b.example', 'https://b.example/', true],
    ['curl', '*', 'https://anything.example/', true],
    ['Go', 'idp.example:8443', 'https://idp.example:8443/', true],
    ['Go', 'idp.example:8443', 'https://idp.example/', false],
    ['Go', 'idp.example:443', 'https://idp.example/', true],
    ['wget', '*.corp.example', 'https://idp.corp.example/', true],
    ['Java', 'IDP.Example', 'https://idp.example/', true],
    ['a fully qualified name', 'idp.example', 'https://idp.example./', true],
    ['IPv6', '[2001:db8::1]', 'https://[2001:DB8:0::1]/', true],
    ['IPv6', '2001:db8::/32', 'https://[2001:db8::7]:8443/', true],
    ['an address', '192.0.2.7', 'https://192.0.2.70/', false],
    ['an address', '2.7', 'https://192.0.2.7/', false],
  ]
  for (const [software, noProxy, url, isDirect] of listed) {
    it(`as ${software} reads it: ${noProxy} ${isDirect ? 'has' : 'has not'} ${url}`, () => {
      const entries = parseNoProxy(noProxy)
      assert.ok(entries !== null)
      const proxies = new EgressProxies({ https: SQUID, http: null, noProxy: entries })
      assert.equal(proxies.proxyOf(new URL(url)) === null, isDirect)
    })
  }

  it('is not understood by halves', () => {
    for (const text of ['10.0.0.1/8', 'http://idp.example', 'a*b', 'idp.example:port', '[::1']) {
      assert.equal(parseNoProxy(text), null, text)
    }
    assert.deepEqual(parseNoProxy(' , '), [])
  })
})

describe('calls to this machine', () => {
  it('never go through a proxy, because they may be in clear', () => {
    const proxies = new EgressProxies({ https: SQUID, http: SQUID, noProxy: [] })
    for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '[::1]']) {
      for (const scheme of ['http', 'https']) {
        assert.equal(proxies.proxyOf(new URL(`${scheme}://${host}:8080/`)), null)
      }
    }
    // Not loopback, whatever it looks like.
    assert.notEqual(proxies.proxyOf(new URL('http://localhost.evil.example/')), null)
  })
})

describe('the variables of a proxy', () => {
  function read(environment: Readonly<Record<string, string>>) {
    const problems: SettingProblem[] = []
    return { ...readProxies(environment, problems), problems }
  }

  it('count in small letters first, as curl has it, and empty is none', () => {
    const other = 'http://other:1'
    assert.equal(read({ HTTPS_PROXY: SQUID }).https, SQUID)
    assert.equal(read({ https_proxy: SQUID, HTTPS_PROXY: other }).https, SQUID)
    assert.equal(read({ https_proxy: '', HTTPS_PROXY: other }).https, null)
    assert.equal(read({ HTTP_PROXY: SQUID }).http, SQUID)
    // Unlike undici’s: a proxy for plain http is none for https.
    assert.equal(read({ HTTP_PROXY: SQUID }).https, null)
    const { noProxy } = read({ HTTPS_PROXY: SQUID, no_proxy: 'a,B:8443' })
    assert.deepEqual(noProxy, [
      { kind: 'host', host: 'a', port: null },
      { kind: 'host', host: 'b', port: 8_443 },
    ])
  })

  it('are problems by name when they cannot be used, and their passwords are not told', () => {
    const socks = read({ HTTPS_PROXY: 'socks5://jo:hunter2@proxy:1080' })
    assert.deepEqual(socks.problems[0]?.path, ['HTTPS_PROXY'])
    assert.doesNotMatch(JSON.stringify(socks.problems), /hunter2/)
    const mask = read({ HTTPS_PROXY: SQUID, NO_PROXY: '10.0.0.1/8' })
    assert.deepEqual(mask.problems[0]?.path, ['NO_PROXY'])
    assert.deepEqual(read({ NO_PROXY: '10.0.0.1/8' }).problems, [])
  })
})
