import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CredentialStripper } from '../../src/credentials/strip-credential.ts'
import { LoginRedirect } from '../../src/gateway/login-redirect.ts'
import { AddressRanges } from '../../src/http/address-ranges.ts'
import { readForwarding } from '../../src/http/forwarding.ts'

const STRIPPER = new CredentialStripper([{ kind: 'query', name: 'access_token' }])

interface Asked {
  readonly method?: string
  readonly query?: string
  readonly headers?: readonly string[]
  readonly scheme?: 'http' | 'https'
  readonly isPeerTrusted?: boolean
}

function locationOf(url: string, asked: Asked): string | null {
  const { method = 'GET', query = '', headers = ['accept', 'text/html'], scheme = 'http' } = asked
  const head = {
    method,
    path: '/a/b%20c',
    query,
    hasQuery: query !== '',
    headers,
    host: 'app.example.com',
    authority: 'app.example.com:8443',
    contentLength: 0,
    hasBody: false,
  }
  const redirect = new LoginRedirect({ url, returnParameter: 'return_to' }, STRIPPER)
  const trusted = new AddressRanges(['10.0.0.1'])
  const forwarding = asked.isPeerTrusted ? readForwarding('10.0.0.1', headers, trusted) : null
  return redirect.locationFor({ exchange: { head, scheme }, forwarding })
}

/** The URL that the page gets to see. */
function returnTo(location: string | null): string | null {
  return new URL(location ?? '', 'http://page.test').searchParams.get('return_to')
}

describe('a login redirect', () => {
  it('gives the page the URL that was asked for, as one parameter', () => {
    const location = locationOf('/login', { query: 'x=1&y=%26&z=a+b' })
    assert.equal(returnTo(location), 'http://app.example.com:8443/a/b%20c?x=1&y=%26&z=a+b')
    assert.match(location ?? '', /^\/login\?return_to=[A-Za-z0-9%._-]+$/)
  })

  it('is appended to the query that the page has already', () => {
    const location = locationOf('https://login.example.com/?tenant=a', {})
    assert.match(location ?? '', /^https:\/\/login\.example\.com\/\?tenant=a&return_to=http%3A/)
  })

  it('does not tell the page a credential that was in the query', () => {
    const kept = 'http://app.example.com:8443/a/b%20c'
    const secret = 'access_token=secret'
    assert.equal(returnTo(locationOf('/login', { query: secret })), kept)
    const between = locationOf('/login', { query: `a=1&${secret}&b=2&${secret}` })
    assert.equal(returnTo(between), `${kept}?a=1&b=2`)
  })

  it('takes the scheme of a trusted proxy that says one, and of no other sender', () => {
    const headers = ['accept', 'text/html', 'x-forwarded-proto', 'https']
    const schemeOf = (asked: Asked) => returnTo(locationOf('/login', asked))?.split(':', 1)[0]
    assert.equal(schemeOf({ headers }), 'http')
    assert.equal(schemeOf({ scheme: 'https' }), 'https')
    assert.equal(schemeOf({ headers, isPeerTrusted: true }), 'https')
    const odd = ['accept', 'text/html', 'x-forwarded-proto', 'javascript']
    assert.equal(schemeOf({ headers: odd, isPeerTrusted: true }), 'http')
  })

  it('takes host and prefix of a trusted proxy too: oauth2-proxy behind an access gateway', () => {
    const said = ['x-forwarded-proto', 'https', 'x-forwarded-host', 'my_shop.example.com']
    const headers = ['accept', 'text/html', ...said, 'x-forwarded-prefix', '/shop/']
    const asked = returnTo(locationOf('/login', { headers, isPeerTrusted: true }))
    assert.equal(asked, 'https://my_shop.example.com/shop/a/b%20c')
    assert.equal(returnTo(locationOf('/login', { headers })), 'http://app.example.com:8443/a/b%20c')
  })

  it('never leads to another host by what a trusted proxy passes on of its client', () => {
    const lies = [
      ...['x-forwarded-host', 'a@evil.example', 'x-forwarded-host', 'evil.example/x'],
      ...['x-forwarded-prefix', '//evil.example', 'x-forwarded-proto', 'javascript:alert(1)'],
    ]
    const headers = ['accept', 'text/html', ...lies]
    const asked = returnTo(locationOf('/login', { headers, isPeerTrusted: true }))
    assert.equal(asked, 'http://app.example.com:8443/a/b%20c')
  })

  it('is for GET and HEAD of a client that asks for HTML by name', () => {
    assert.notEqual(locationOf('/login', { method: 'HEAD' }), null)
    const split = ['accept', 'application/json', 'accept', 'text/html']
    assert.notEqual(locationOf('/login', { headers: split }), null)
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      assert.equal(locationOf('/login', { method }), null)
    }
    for (const headers of [[], ['accept', '*/*'], ['accept', 'text/html;q=0']]) {
      assert.equal(locationOf('/login', { headers }), null)
    }
  })
})
