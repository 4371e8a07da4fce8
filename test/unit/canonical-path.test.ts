import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { canonicalPath, isAcceptableQuery } from '../../src/http/canonical-path.ts'

describe('canonical path (RFC 3986 §6.2.2)', () => {
  it('returns a canonical path as the same string', () => {
    for (const path of [
      '/',
      '/users',
      '/users/',
      '/a/b.c/..d/e..',
      '/a;v=1/b',
      '/%E2%82%AC',
      '/a%20b',
    ]) {
      assert.equal(canonicalPath(path), path)
    }
  })

  it('decodes unreserved characters, so that no spelling slips past a route', () => {
    assert.equal(canonicalPath('/%75sers'), '/users')
    assert.equal(canonicalPath('/%55%2D%5f%7E%30'), '/U-_~0')
  })

  it('writes the hex digits that remain in upper case', () => {
    assert.equal(canonicalPath('/%e2%82%ac/%3a'), '/%E2%82%AC/%3A')
  })

  it('decodes once only: what an encoded percent sign yields is not decoded again', () => {
    assert.equal(canonicalPath('/%2575sers'), '/%2575sers')
  })

  it('refuses what an upstream could take for a separator', () => {
    for (const path of ['/a%2fb', '/a%2Fb', '/a%5cb', '/a%5Cb', '/a\\b']) {
      assert.equal(canonicalPath(path), null, path)
    }
  })

  it('refuses dot segments in every spelling', () => {
    const dots = ['/.', '/..', '/a/../b', '/a/./b', '/%2e%2e/a', '/%2E', '/.%2e/a', '/a/..', '/./']
    for (const path of dots) assert.equal(canonicalPath(path), null, path)
  })

  it('refuses path parameters on dots and on nothing', () => {
    const tricks = ['/..;/a', '/..;x=1/a', '/.;/a', '/;/a', '/a/;x', '/..%3Ba', '/..%3b/a', '/..;']
    for (const path of tricks) assert.equal(canonicalPath(path), null, path)
  })

  it('refuses empty segments, but lets a path end in a slash', () => {
    for (const path of ['//', '//a', '/a//b', '/a//']) assert.equal(canonicalPath(path), null, path)
    assert.equal(canonicalPath('/a/'), '/a/')
  })

  it('refuses control characters, raw and encoded, and everything outside ASCII', () => {
    for (const path of [
      '/a\0',
      '/a\n',
      '/a\x7f',
      '/a b',
      '/%00',
      '/%0a',
      '/%7F',
      '/é',
      '/\ufffd',
    ]) {
      assert.equal(canonicalPath(path), null, JSON.stringify(path))
    }
  })

  it('refuses malformed percent-encoding', () => {
    for (const path of ['/%', '/%4', '/%4g', '/%%41', '/%u0041', '/% 41', '/%\u01344']) {
      assert.equal(canonicalPath(path), null, path)
    }
  })

  it('refuses a fragment, a query and anything that is not an absolute path', () => {
    for (const path of ['', '*', 'a', '/a#b', '/a?b', 'http://a/']) {
      assert.equal(canonicalPath(path), null, path)
    }
  })
})

describe('query string', () => {
  it('passes visible ASCII and refuses fragments, spaces, control and non-ASCII characters', () => {
    for (const query of ['', 'a=b&c=%20', '?//..;/%2f', 'a=[1]'])
      assert.ok(isAcceptableQuery(query))
    for (const query of ['a#b', 'a b', 'a\n', '\x7f', 'é', '\0', '\x80']) {
      assert.ok(!isAcceptableQuery(query), JSON.stringify(query))
    }
  })
})
