/** Which methods change something, which may be sent once more, and which a route may name. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  isIdempotentMethod,
  isMethodToken,
  isUnsafeMethod,
  parseMethod,
  STANDARD_METHODS,
} from '../../src/http/methods.ts'

describe('methods (RFC 9110 §9)', () => {
  it('are safe that only ask, those of WebDAV and QUERY among them', () => {
    const safe = ['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'REPORT', 'SEARCH', 'QUERY']
    for (const method of safe) assert.equal(isUnsafeMethod(method), false, method)
    const unsafe = ['POST', 'PUT', 'PATCH', 'DELETE', 'MOVE', 'LOCK', 'MKCOL', 'PURGE', 'get', 'X']
    for (const method of unsafe) assert.equal(isUnsafeMethod(method), true, method)
  })

  it('may be sent once more where the registry says so, and where they are unknown never', () => {
    const idempotent = [
      'GET',
      'PUT',
      'DELETE',
      'PROPFIND',
      'QUERY',
      'MOVE',
      'COPY',
      'MKCOL',
      'UNLOCK',
    ]
    for (const method of idempotent) assert.equal(isIdempotentMethod(method), true, method)
    const others = ['POST', 'PATCH', 'LOCK', 'PURGE', 'put', 'X', '']
    for (const method of others) assert.equal(isIdempotentMethod(method), false, method)
  })

  it('may be named by a route, whatever word they are', () => {
    const named = [...STANDARD_METHODS, 'PROPFIND', 'VERSION-CONTROL', 'M-SEARCH', 'QUERY', 'x!']
    for (const method of named) assert.equal(parseMethod(method), method)
  })

  it('are not taken that open tunnels, echo credentials or begin HTTP/2', () => {
    for (const method of ['CONNECT', 'TRACE', 'PRI']) assert.equal(parseMethod(method), null)
  })

  it('are not named in another case than they are sent in', () => {
    for (const method of ['get', 'Get', 'propfind', 'Purge', 'trace']) {
      assert.equal(parseMethod(method), null, method)
    }
  })

  it('are no words with separators, spaces or more than 64 characters', () => {
    for (const method of ['', 'GET[', 'A B', 'A:B', 'A/B', '"A"', 'é', 'A\n', 'A'.repeat(65)]) {
      assert.equal(isMethodToken(method), false, method)
      assert.equal(parseMethod(method), null, method)
    }
    assert.equal(isMethodToken('A'.repeat(64)), true)
  })
})
