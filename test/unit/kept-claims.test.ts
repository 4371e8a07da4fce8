/** What is kept of claims that a configuration asks for by their paths. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { composeIssuerPolicies } from '../../src/listener/issuer-policies.ts'
import { keptPathsOf } from '../../src/listener/kept-paths.ts'
import {
  areKept,
  KEPT_LENGTH_MAX,
  type KeptClaim,
  type KeptPath,
  keepClaims,
  keepStoredClaims,
  keptClaimOf,
  NO_CLAIMS,
} from '../../src/protocol/kept-claims.ts'
import { parseJsonText } from '../../src/protocol/strict-json.ts'
import { ISSUERS, parseText } from '../support/configuration-text.ts'
import { claimPath } from '../support/jwt-policy.ts'

const asked = (text: string): KeptPath => ({
  path: claimPath(text),
  isAsked: true,
  isTold: false,
  needsText: false,
})
const told = (text: string): KeptPath => ({ ...asked(text), isTold: true, needsText: true })
const toldAsJson = (text: string): KeptPath => ({ ...told(text), needsText: false })

function members(json: string) {
  const parsed = parseJsonText(json)
  assert.ok(parsed !== null, json)
  return parsed
}

/** What is kept of the claim `c` whose value this JSON is; `refused`. */
function kept(json: string, path = told('c')): KeptClaim | null | 'refused' {
  const claims = keepClaims(members(`{"c":${json}}`), [path])
  return areKept(claims) ? (claims[0] ?? null) : 'refused'
}

const textsOf = (json: string) => {
  const claim = kept(json)
  return claim === null || claim === 'refused' ? claim : claim.texts
}

describe('a claim that is asked for by its path', () => {
  const values: readonly (readonly [string, readonly string[]])[] = [
    ['"Sales"', ['Sales']],
    ['"say \\"hi\\" \\\\ \\u00e4"', ['say "hi" \\ ä']],
    ['42', ['42']],
    ['-0', ['0']],
    ['9007199254740991', ['9007199254740991']],
    ['2.5', ['2.5']],
    ['true', ['true']],
    ['false', ['false']],
    ['["a",7,true,null,""]', ['a', '7', 'true']],
    ['[""]', []],
  ]
  for (const [json, texts] of values) {
    it(`has the texts ${JSON.stringify(texts)} for ${json}`, () => {
      assert.deepEqual(textsOf(json), texts)
    })
  }

  it('is absent when it is null, an empty text or an empty list', () => {
    for (const json of ['null', '""', '[]']) assert.equal(kept(json), null, json)
    assert.deepEqual(keepClaims(members('{}'), [told('c'), asked('/a/b')]), [null, null])
  })

  it('costs nothing where nothing is asked for', () => {
    assert.equal(keepClaims(members('{"c":1}'), []), NO_CLAIMS)
  })

  it('refuses the credential when an object would have to be told as text', () => {
    for (const json of ['{"a":1}', '{}', '[{"a":1}]', '[["a"]]']) {
      assert.equal(kept(json), 'refused', json)
      const asJson = kept(json, toldAsJson('c'))
      assert.ok(asJson !== null && asJson !== 'refused')
      assert.deepEqual([asJson.json, asJson.texts], [json, null])
      // A requirement alone refuses nothing: it is not satisfied.
      const required = kept(json, asked('c'))
      assert.equal(required !== null && required !== 'refused' && required.texts, null)
    }
  })

  it('is not told when two programs could read its number as two', () => {
    for (const json of ['9007199254740993', '1e999', '-1e16', '[1,1e300]', '{"a":[1e17]}']) {
      assert.equal(kept(json, toldAsJson('c')), 'refused', json)
      const required = kept(json, asked('c'))
      assert.deepEqual(required, { json: 'null', texts: null, isList: false }, json)
    }
  })

  it('is not told when it is longer than the head of a request can bear', () => {
    const most = `"${'x'.repeat(KEPT_LENGTH_MAX - 2)}"`
    assert.notEqual(kept(most), 'refused')
    const seventyKilobytes = `"${'x'.repeat(70_000)}"`
    for (const json of [`"x${most.slice(1)}`, seventyKilobytes]) {
      assert.equal(kept(json), 'refused')
      const required = kept(json, asked('c'))
      assert.ok(required !== null && required !== 'refused')
      assert.equal(required.texts, null)
    }
  })

  it('counts against one bound with all others that are told', () => {
    const half = `"${'x'.repeat(KEPT_LENGTH_MAX / 2)}"`
    const both = members(`{"a":${half},"b":${half}}`)
    const refused = keepClaims(both, [told('a'), told('b')])
    assert.ok(!areKept(refused))
    assert.equal(refused.path.text, 'b')
    assert.ok(areKept(keepClaims(both, [told('a'), asked('b')])))
  })

  it('is never what an object inherits', () => {
    const hostile = members('{"__proto__":{"department":"root"},"a":{"__proto__":{"b":"root"}}}')
    const paths = [
      asked('/department'),
      asked('a.b'),
      asked('toString'),
      asked('/a/hasOwnProperty'),
    ]
    assert.deepEqual(keepClaims(hostile, paths), [null, null, null, null])
  })

  it('comes back from its JSON as it was', () => {
    for (const json of ['"a"', '"\\n\\u0000"', '["a","b"]', '{"__proto__":{"a":1}}', '7', 'true']) {
      const claim = kept(json, toldAsJson('c'))
      assert.ok(claim !== null && claim !== 'refused')
      assert.deepEqual(keptClaimOf(claim.json), claim)
      assert.equal(claim.json, json)
    }
  })
})

describe('the claims of a record', () => {
  it('are an object, or there are none', () => {
    assert.deepEqual(keepStoredClaims(null, [told('c')]), [null])
    assert.deepEqual(keepStoredClaims({ c: 'a' }, [told('c')]), [keptClaimOf('"a"')])
    for (const claims of ['c', 7, ['c']]) {
      assert.equal(keepStoredClaims(claims, [told('c')]), null)
      assert.deepEqual(keepStoredClaims(claims, []), [])
    }
    assert.deepEqual(keepStoredClaims({ c: { a: 1 } }, [told('c')]), told('c'))
  })
})

describe('a path that only routes of other issuers ask for', () => {
  const route = (issuer: string, more: object) => {
    const match = { path: `/${issuer}` }
    return { name: issuer, match, upstream: 'users', issuers: [issuer], ...more }
  }
  const configuration = parseText(
    JSON.stringify({
      issuers: {
        main: ISSUERS.main,
        other: { ...ISSUERS.main, issuer: 'https://other.example.com/' },
      },
      identity: { headers: { custom: { 'X-Plan': '/plan' } } },
      upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
      routes: [
        route('main', { identity: 'headers' }),
        route('other', {
          identity: 'pass-through',
          require: { claims: [{ path: 'level', equals: '1' }] },
        }),
      ],
    }),
  )
  const policies = composeIssuerPolicies(configuration, keptPathsOf(configuration))
  const keptOf = (issuer: string, json: string) =>
    keepClaims(members(json), policies.get(issuer)?.keptPaths ?? [])

  it('may lead to anything, and nothing is kept of it; that of all others is in its place', () => {
    const claims = '{"plan":{"name":"pro"},"level":1}'
    const kept = keptOf('other', claims)
    assert.ok(areKept(kept))
    assert.deepEqual(
      kept.map((claim) => claim?.json ?? null),
      [null, '1'],
    )
    const refused = keptOf('main', claims)
    assert.ok(!areKept(refused) && refused.path.text === '/plan')
    const told = keptOf('main', '{"plan":"pro","level":1}')
    assert.ok(areKept(told))
    assert.deepEqual(
      told.map((claim) => claim?.json ?? null),
      ['"pro"', null],
    )
  })
})
