import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { HeaderNameFilter } from '../../src/proxy/header-name-filter.ts'
import { createRequestFilter, requestHeaders } from '../../src/proxy/hop-by-hop-headers.ts'

const filter = createRequestFilter(['x-user-id', 'authorization'])

describe('request fields that go upstream (RFC 9110 §7.6.1)', () => {
  it('keeps end-to-end fields in order, repeated ones too', () => {
    const headers = ['host', 'a', 'accept', '*/*', 'cookie', 'a=1', 'accept', 'text/plain']
    assert.deepEqual(requestHeaders(headers, filter, null), headers)
  })

  it('removes every field that concerns one connection only', () => {
    const headers: string[] = []
    for (const name of [
      'connection',
      'keep-alive',
      'proxy-authenticate',
      'proxy-authorization',
      'proxy-connection',
      'te',
      'trailer',
      'transfer-encoding',
      'upgrade',
      'http2-settings',
      'expect',
    ]) {
      headers.push(name, 'close')
    }
    assert.deepEqual(requestHeaders(['accept', 'x', ...headers], filter, null), ['accept', 'x'])
  })

  it('removes what Connection names, in any case and with any white space', () => {
    const headers = ['connection', 'close,  X-Secret ,\tx-other,,', 'x-secret', '1', 'x-other', '2']
    assert.deepEqual(requestHeaders([...headers, 'x-kept', '3'], filter, null), ['x-kept', '3'])
  })

  it('removes what any of several Connection fields names, before or after it', () => {
    const headers = ['x-a', '1', 'connection', 'x-a', 'connection', 'x-b', 'x-b', '2', 'x-c', '3']
    assert.deepEqual(requestHeaders(headers, filter, null), ['x-c', '3'])
  })

  it('does not let Connection take away host or content-length, which frame the message', () => {
    const headers = ['connection', 'host, content-length', 'host', 'a', 'content-length', '5']
    const kept = ['host', 'a', 'content-length', '5']
    assert.deepEqual(requestHeaders(headers, filter, null), kept)
  })

  it('gives a new list, so that identity added later is out of reach of Connection', () => {
    const headers = ['connection', 'x-user-id', 'x-user-id', 'mallory']
    const upstream = requestHeaders(headers, filter, null)
    upstream.push('x-user-id', 'alice')
    assert.deepEqual(upstream, ['x-user-id', 'alice'])
    assert.equal(headers.length, 4)
  })

  it('removes the fields it is told to, such as the credential and identity of the client', () => {
    const headers = ['x-user-id', 'mallory', 'authorization', 'Bearer x', 'accept', '*/*']
    assert.deepEqual(requestHeaders(headers, filter, null), ['accept', '*/*'])
  })

  it('removes forwarded addresses and rewritten targets of the client’s own making', () => {
    const kept: string[] = []
    for (const name of [
      'forwarded',
      'x-forwarded-for',
      'x-forwarded-proto',
      'x-forwarded-host',
      'x-forwarded-port',
      'x-forwarded-prefix',
      'x-forwarded-anything-else',
      'x-forwarded',
      'x-real-ip',
      'x-original-url',
      'x-rewrite-url',
      'true-client-ip',
      'client-ip',
      'fly-client-ip',
      'x-envoy-original-path',
      'x-http-method',
      'x-http-method-override',
      'x-method-override',
      'x-original-host',
      'x-original-method',
      'x-original-uri',
    ]) {
      kept.push(...requestHeaders([name, '/admin'], filter, null))
    }
    assert.deepEqual(kept, [])
  })

  it('removes what services take for the word of a proxy, family by family', () => {
    const believed = [
      ...[
        'remote-user',
        'remote-groups',
        'x-remote-user',
        'x-remote-group',
        'x-remote-extra-scopes',
      ],
      ...['x-forwarded-user', 'x-forwarded-email', 'x-forwarded-groups', 'x-forwarded-client-cert'],
      ...['x-auth-request-user', 'x-auth-request-email', 'x-auth-request-access-token'],
      ...[
        'x-webauth-user',
        'x-authentik-username',
        'x-consumer-username',
        'x-authenticated-userid',
      ],
      ...['x-goog-authenticated-user-email', 'x-ms-client-principal', 'x-ms-client-principal-name'],
      ...['tailscale-user-login', 'cf-access-authenticated-user-email', 'x-pomerium-claim-email'],
      ...['sm-user', 'iv-user', 'oam-remote-user', 'x-vouch-user', 'x-amzn-oidc-identity'],
      ...['front-end-https', 'x-forwarded-ssl', 'x-url-scheme', 'x-scheme', 'x-arr-ssl', 'https'],
      ...['cloudfront-forwarded-proto', 'proxy', 'x-middleware-subrequest', 'x-original-url'],
      ...['x-rewrite-url', 'x-http-method-override', 'x-sendfile-type', 'x-accel-mapping'],
      ...['x-ssl-client-verify', 'x-ssl-client-cn', 'ssl-client-cert', 'ssl-client-verify'],
      ...['x-client-cert', 'x-client-cert-dn', 'client-cert', 'client-cert-chain', 'x-clientcert'],
      ...['x-apigateway-api-userinfo', 'x-endpoint-api-userinfo', 'x-ms-token-aad-id-token'],
      ...['x-apigateway-event', 'x-amzn-request-context', 'x-client-dn', 'x-client-verify'],
      ...[
        'cf-visitor',
        'x-amzn-mtls-clientcert',
        'x-arr-clientcert',
        'wl-proxy-client-cert',
        'wl-proxy-ssl',
      ],
    ]
    const left = believed.filter((name) => requestHeaders([name, 'x'], filter, null).length > 0)
    assert.deepEqual(left, [])
  })

  it('keeps names that only begin like one of those', () => {
    const names = ['remote', 'sec-fetch-site', 'x-request-id', 'x-client-version', 'x-auth-token']
    const others = ['x-api-key', 'x-csrf-token', 'smart-id', 'x-ssl', 'x-consumer', 'x', 'iv', '']
    for (const name of [...names, ...others]) {
      assert.deepEqual(requestHeaders([name, '1'], filter, null), [name, '1'])
    }
  })

  it('ignores a name without a value at the end of a list', () => {
    assert.deepEqual(requestHeaders(['accept', '*/*', 'stray'], filter, null), ['accept', '*/*'])
  })

  it('never lets a named field through, whatever else is in the list', () => {
    const name = fc.constantFrom('x-a', 'x-b', 'x-c', 'accept', 'cookie', 'x-user-id')
    const field = fc.tuple(name, fc.constant('v'))
    fc.assert(
      fc.property(fc.array(field), fc.array(name), (fields, named) => {
        const upstream = requestHeaders(
          [...fields.flat(), 'connection', named.join(',')],
          filter,
          null,
        )
        for (let index = 0; index < upstream.length; index += 2) {
          assert.ok(!(named as string[]).includes(upstream[index] as string))
        }
      }),
    )
  })
})

describe('header name filter', () => {
  it('holds exactly the names it was built from', () => {
    const name = fc.string({ maxLength: 70 })
    fc.assert(
      fc.property(fc.array(name), fc.array(name), (names, others) => {
        const subject = new HeaderNameFilter(names)
        for (const other of [...names, ...others]) {
          assert.equal(subject.has(other), names.includes(other))
        }
      }),
    )
  })
})
