/** Requirements on any claim, and on what a claim and the request say together. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type ClaimComparison,
  type ComparedFacts,
  compileClaimRule,
  satisfiesClaim,
} from '../../src/decision/require-claims.ts'
import { keptClaimOf } from '../../src/protocol/kept-claims.ts'
import { identityOf } from '../support/tenants.ts'

const NOTHING: ComparedFacts = { path: '/', headers: [] }

/** Whether a claim with this value satisfies; `undefined`: it is absent. */
function satisfies(value: unknown, how: ClaimComparison, facts = NOTHING): boolean {
  const claims = [null, value === undefined ? null : keptClaimOf(JSON.stringify(value))]
  const requirement = compileClaimRule({ path: '/department', place: 1, ...how })
  return satisfiesClaim(identityOf({ claims }), requirement, facts)
}

describe('a claim that a rule names by its path', () => {
  it('is compared as text: whole numbers in digits, true and false by name', () => {
    assert.ok(satisfies('sales', { equals: 'sales' }))
    assert.ok(satisfies(42, { equals: '42' }))
    assert.ok(satisfies(true, { oneOf: ['false', 'true'] }))
    assert.ok(satisfies('ref/heads/main', { matches: 'ref/*' }))
    for (const equals of ['Sales', 'sales ', 'sale', '']) assert.ok(!satisfies('sales', { equals }))
  })

  it('is satisfied by one value of a list', () => {
    assert.ok(satisfies(['a', 'b'], { equals: 'b' }))
    assert.ok(satisfies(['a', 7], { oneOf: ['x', '7'] }))
    assert.ok(!satisfies(['a', 'b'], { equals: 'a,b' }))
  })

  it('satisfies nothing when it is absent, an object, or has an object in its list', () => {
    for (const value of [undefined, {}, { sales: true }, ['sales', { a: 1 }], [['sales']], ['']]) {
      for (const how of [{ equals: 'sales' }, { matches: '*' }, { contains: 'sales' }]) {
        assert.ok(!satisfies(value, how), JSON.stringify([value, how]))
      }
    }
  })

  it('is found in its own place and in no other', () => {
    const claims = [keptClaimOf('"sales"'), null]
    const requirement = compileClaimRule({ path: '/department', place: 1, equals: 'sales' })
    assert.ok(!satisfiesClaim(identityOf({ claims }), requirement, NOTHING))
    assert.ok(!satisfiesClaim(identityOf({ claims: [] }), requirement, NOTHING))
  })
})

describe('a claim that must contain a value', () => {
  it('has it as an item of a list, or as a word of a text', () => {
    assert.ok(satisfies(['admin', 'user'], { contains: 'admin' }))
    assert.ok(satisfies('openid admin', { contains: 'admin' }))
    assert.ok(satisfies('admin', { contains: 'admin' }))
    assert.ok(satisfies('xadmin adminx admin', { contains: 'admin' }))
  })

  it('does not have it as a part of a word, or of an item', () => {
    for (const value of [
      'not-admin',
      'admins',
      'xadmin adminx',
      'Admin',
      'a\tadmin',
      ['user admin'],
    ]) {
      assert.ok(!satisfies(value, { contains: 'admin' }), JSON.stringify(value))
    }
  })
})

describe('a claim that must equal a request header', () => {
  const how = { equalsHeader: 'x-tenant' }
  const facts = (...headers: string[]) => ({ path: '/', headers })

  it('does so when the header is there once and holds the value', () => {
    assert.ok(satisfies('acme', how, facts('x-tenant', 'acme')))
    assert.ok(satisfies(['acme', 'globex'], how, facts('x-tenant', 'globex')))
    assert.ok(satisfies(7, how, facts('x-tenant', '7')))
  })

  it('does not when it is absent, empty, another, a list, or twice there', () => {
    for (const headers of [
      [],
      ['x-tenant', ''],
      ['x-tenant', 'ACME'],
      ['x-tenant', 'acme,globex'],
      ['x-tenant', 'acme', 'x-tenant', 'acme'],
      ['x-tenant', 'acme', 'x-tenant', 'globex'],
      ['x-tenants', 'acme'],
    ]) {
      assert.ok(!satisfies('acme', how, facts(...headers)), JSON.stringify(headers))
    }
    assert.ok(!satisfies(undefined, how, facts('x-tenant', '')))
    assert.ok(!satisfies('', how, facts('x-tenant', '')))
    assert.ok(!satisfies(['', null], how, facts('x-tenant', '')))
  })

  it('does not when the client has the header removed on the way', () => {
    for (const option of ['x-tenant', 'close, X-Tenant', 'keep-alive,x-tenant']) {
      assert.ok(!satisfies('acme', how, facts('connection', option, 'x-tenant', 'acme')), option)
    }
    assert.ok(satisfies('acme', how, facts('connection', 'close', 'x-tenant', 'acme')))
  })
})

describe('a claim that must equal a segment of the path', () => {
  const how = { equalsSegment: 1 }
  const at = (path: string) => ({ path, headers: [] })

  it('does so as it stands in the path', () => {
    for (const path of ['/users/alice', '/users/alice/', '/users/alice/orders']) {
      assert.ok(satisfies('alice', how, at(path)), path)
    }
    assert.ok(satisfies(7, how, at('/users/7')))
    assert.ok(satisfies('a@b.example', how, at('/users/a@b.example')))
  })

  it('does not for another, or for none', () => {
    for (const path of ['/users/bob', '/users/Alice', '/users/alicex', '/users', '/users/', '/']) {
      assert.ok(!satisfies('alice', how, at(path)), path)
    }
    assert.ok(!satisfies('', how, at('/users/')))
    assert.ok(!satisfies(undefined, how, at('/users/undefined')))
  })

  it('does not where a service behind could read the segment as another one', () => {
    // The value is what a user may have chosen for a name.
    for (const name of ['al%69ce', 'alice;x', 'alice.', 'alice::$DATA', 'al%2569ce', 'alice%20']) {
      assert.ok(!satisfies(name, how, at(`/users/${name}`)), name)
      assert.ok(!satisfies('alice', how, at(`/users/${name}`)), name)
    }
  })
})

describe('the refusal of a rule', () => {
  it('names the rule and the claim, and no value', () => {
    const rule = { path: '/department', place: 0, equals: 'sales' }
    const { refusal } = compileClaimRule(rule, 'require.claims[2]')
    assert.equal(refusal.code, 'insufficient_scope')
    assert.equal(refusal.reason, 'claim_unsatisfied')
    assert.equal(refusal.detail, 'require.claims[2] (/department)')
    assert.ok(Object.isFrozen(refusal))
  })
})
