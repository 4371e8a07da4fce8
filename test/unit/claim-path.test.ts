/** Claims found by name, dotted path and JSON pointer. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CLAIM_PATH_LENGTH_MAX,
  CLAIM_PATH_STEPS_MAX,
  parseClaimPath,
  readClaimPath,
} from '../../src/protocol/claim-path.ts'
import { type JsonObject, parseJsonText } from '../../src/protocol/strict-json.ts'

/** What is found in claims as they come out of a token. */
function read(claims: string | object, text: string): unknown {
  const parsed = parseClaimPath(text)
  assert.ok(parsed.ok, text)
  const members = parseJsonText(typeof claims === 'string' ? claims : JSON.stringify(claims))
  assert.ok(members !== null)
  return readClaimPath(members, parsed.path)
}

function problemOf(text: string): string | null {
  const parsed = parseClaimPath(text)
  return parsed.ok ? null : parsed.problem
}

describe('a claim path', () => {
  it('is a name, a dotted path or a JSON pointer', () => {
    const claims = { realm_access: { roles: ['a'] }, upn: 'x' }
    assert.equal(read(claims, 'upn'), 'x')
    assert.deepEqual(read(claims, 'realm_access.roles'), ['a'])
    assert.deepEqual(read(claims, '/realm_access/roles'), ['a'])
    for (const nothing of ['email', 'realm_access.groups', '/realm_access/roles/x', 'upn.x']) {
      assert.equal(read(claims, nothing), undefined, nothing)
    }
  })

  it('finds a claim of exactly its name first', () => {
    const claims = { 'a.b': 1, a: { b: 2 }, '/a/b': 3 }
    assert.equal(read(claims, 'a.b'), 1)
    assert.equal(read(claims, '/a/b'), 3)
    assert.equal(read({ ...claims, 'a.b': null }, 'a.b'), 2, 'null is absent')
  })

  it('is a name alone when it is a URL, or has an empty step', () => {
    const url = 'https://example.com/roles'
    const nested = { 'https://example': { 'com/roles': 'planted' } }
    assert.equal(read({ [url]: 'own' }, url), 'own')
    assert.equal(read(nested, url), undefined)
    for (const text of ['a..b', '.a', 'a.', '.']) {
      assert.equal(read({ a: { '': { b: 1 }, b: 2 } }, text), undefined, text)
      assert.equal(read({ [text]: 1 }, text), 1)
    }
  })

  it('has the escapes of RFC 6901 in a pointer, and in no other form', () => {
    const url = 'https://hasura.io/jwt/claims'
    const claims = { [url]: { 'x-role': 'r' }, 'm~n': { '~1': 1 }, '': { '': 2 } }
    assert.equal(read(claims, '/https:~1~1hasura.io~1jwt~1claims/x-role'), 'r')
    assert.equal(read(claims, '/m~0n/~01'), 1)
    assert.equal(read(claims, '//'), 2)
    assert.equal(read({ 'm~n': { x: 1 } }, 'm~n.x'), 1)
    for (const text of ['/a~', '/a~2', '/~~0']) assert.match(problemOf(text) ?? '', /~0 or ~1/)
  })

  it('finds an element of a list by its place in a pointer, and by nothing else', () => {
    const claims = { emails: ['first', 'second'] }
    assert.equal(read(claims, '/emails/0'), 'first')
    assert.equal(read(claims, '/emails/1'), 'second')
    for (const text of ['/emails/2', '/emails/-', '/emails/-1', '/emails/00', '/emails/01']) {
      assert.equal(read(claims, text), undefined, text)
    }
    for (const text of ['/emails/length', '/emails/1e0', '/emails/ 0', 'emails.0']) {
      assert.equal(read(claims, text), undefined, text)
    }
    assert.equal(read({ emails: { 0: 'named' } }, 'emails.0'), 'named', 'a member may be a digit')
  })

  it('never finds what an object inherits', () => {
    const claims = '{"a":{},"b":[],"c":"text"}'
    for (const text of ['a.toString', '/a/hasOwnProperty', '/b/map', 'b.length', '/c/length']) {
      assert.equal(read(claims, text), undefined, text)
    }
    const plain: JsonObject = {}
    const parsed = parseClaimPath('toString')
    assert.equal(parsed.ok && readClaimPath(plain, parsed.path), undefined)
  })

  it('never names what every object answers to, in any form', () => {
    for (const name of ['__proto__', 'constructor', 'prototype']) {
      for (const text of [name, `a.${name}`, `${name}.a`, `/${name}`, `/a/${name}/b`]) {
        assert.match(problemOf(text) ?? '', /must not name/, text)
      }
    }
    const planted = '{"__proto__":{"roles":["admin"]},"a":{"__proto__":{"roles":["admin"]}}}'
    assert.equal(read(planted, 'roles'), undefined)
    assert.equal(read(planted, 'a.roles'), undefined)
  })

  it('has bounds of its length and of its steps', () => {
    assert.equal(problemOf('x'.repeat(CLAIM_PATH_LENGTH_MAX)), null)
    assert.match(problemOf('x'.repeat(CLAIM_PATH_LENGTH_MAX + 1)) ?? '', /at most 256/)
    assert.equal(problemOf('/x'.repeat(CLAIM_PATH_STEPS_MAX)), null)
    assert.match(problemOf('/x'.repeat(CLAIM_PATH_STEPS_MAX + 1)) ?? '', /at most 16 steps/)
    assert.match(problemOf(`a${'.x'.repeat(CLAIM_PATH_STEPS_MAX)}`) ?? '', /at most 16 steps/)
    assert.match(problemOf('') ?? '', /empty/)
  })
})
