import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PATH_PATTERN, PathRedaction } from '../../src/observability/redact-path.ts'

describe('Paths in access lines', () => {
  const told = (path: string, ...patterns: string[]) => new PathRedaction(patterns).apply(path)

  it('are told as they are without a pattern', () => {
    assert.equal(told('/users/17/orders'), '/users/17/orders')
    assert.equal(told('/'), '/')
  })

  it('lose the segments that a pattern names, whatever follows', () => {
    assert.equal(told('/users/17/orders/4', '/users/*'), '/users/[redacted]/orders/4')
    assert.equal(told('/users/17', '/users/*/orders/*'), '/users/17')
    assert.equal(told('/a/b/c', '/*/b/*'), '/[redacted]/b/[redacted]')
    assert.equal(told('/reset/one/two', '/reset/**'), '/reset/[redacted]')
    assert.equal(told('/a/b/c', '/*/**'), '/[redacted]/[redacted]')
    assert.equal(told('/anything/at/all', '/**'), '/[redacted]')
  })

  it('lose what several patterns name', () => {
    assert.equal(told('/a/1/2', '/a/*', '/a/1/*'), '/a/[redacted]/[redacted]')
    assert.equal(told('/a/1/2', '/a/**', '/*/1'), '/[redacted]/[redacted]')
  })

  it('lose them in any spelling that an upstream may take for the same', () => {
    for (const users of ['Users', 'users;x=1', 'users.', 'users%20', '%75sers', 'users%']) {
      const isSame = users !== 'users%'
      assert.equal(told(`/${users}/17`, '/users/*'), `/${users}/${isSame ? '[redacted]' : '17'}`)
    }
    for (const users of ['%2575sers', 'users%2525252525252541']) {
      assert.equal(told(`/${users}/17`, '/users/*'), `/${users}/[redacted]`)
    }
    assert.equal(told('/users%3Afind/17', '/users:find/*'), '/users%3Afind/[redacted]')
  })

  it('lose what looks like a token without being told so', () => {
    const token = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl'
    assert.equal(told(`/links/${token}/x`), '/links/[redacted]/x')
  })

  it('are named by patterns of whole segments', () => {
    for (const pattern of ['/users/*', '/**', '/a/*/b/**', '/a%20b/*']) {
      assert.match(pattern, PATH_PATTERN)
    }
    for (const pattern of ['users/*', '/user*', '/**/a', '/a/***', '/a?b=*', '/a/']) {
      assert.doesNotMatch(pattern, PATH_PATTERN)
    }
  })
})
