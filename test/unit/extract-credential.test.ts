/** Which token of a request decides, and when there is no single one. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isB64Token } from '../../src/credentials/bearer-token.ts'
import {
  AUTHORIZATION_BEARER,
  type CredentialSource,
} from '../../src/credentials/credential-source.ts'
import {
  CredentialExtractor,
  type Extraction,
  TOKEN_VALUES,
} from '../../src/credentials/extract-credential.ts'
import { refuse } from '../../src/protocol/verification.ts'

const REPEATED = refuse('credential_repeated')
const EMPTY = refuse('credential_empty')
const MALFORMED = refuse('token_syntax')

/** An extractor, and the grammar that a token which is not known yet is held against. */
function extractorOf(sources: readonly CredentialSource[]) {
  const extractor = new CredentialExtractor(sources, 32, 'token_too_long', TOKEN_VALUES)
  return {
    extract(headers: readonly string[], query: string): Extraction {
      const found = extractor.extract(headers, query)
      return typeof found === 'string' && !isB64Token(found) ? MALFORMED : found
    },
  }
}

const bearer = extractorOf([AUTHORIZATION_BEARER])
const everywhere = extractorOf([
  AUTHORIZATION_BEARER,
  { kind: 'header', name: 'X-Token', scheme: null },
  { kind: 'header', name: 'X-Auth', scheme: 'Token' },
  { kind: 'cookie', name: 'jwt' },
  { kind: 'query', name: 'access_token' },
])

describe('bearer token of a request (RFC 6750 §2)', () => {
  it('finds none where there is none', () => {
    assert.equal(bearer.extract([], ''), null)
    assert.equal(bearer.extract(['host', 'a', 'accept', '*/*'], 'access_token=abc'), null)
    assert.equal(bearer.extract(['authorization', ''], ''), null)
  })

  it('takes another scheme for no bearer token, not for a bad one', () => {
    assert.equal(bearer.extract(['authorization', 'Basic dXNlcjpwYXNz'], ''), null)
  })

  it('takes DPoP for a token that cannot be checked here, and not for none (RFC 9449 §7.1)', () => {
    const unfit = refuse('proof_scheme')
    for (const value of ['DPoP a.b.c', 'dpop a', 'DPOP', 'DPoP  x', 'DPoP\tx']) {
      assert.equal(bearer.extract(['authorization', value], ''), unfit, value)
    }
    // Nor does another token rescue it.
    assert.equal(everywhere.extract(['authorization', 'DPoP a', 'x-token', 'abc'], ''), unfit)
    assert.equal(everywhere.extract(['authorization', 'DPoP a', 'cookie', 'jwt=abc'], ''), unfit)
    for (const value of ['DPoPa b', 'DPo', 'Basic dpop']) {
      assert.equal(bearer.extract(['authorization', value], ''), null, value)
    }
  })

  it('reads DPoP where a source says so, and leaves it alone where no source reads the field', () => {
    const dpop = { kind: 'header', name: 'Authorization', scheme: 'DPoP' } as const
    const both = extractorOf([AUTHORIZATION_BEARER, dpop])
    assert.equal(both.extract(['authorization', 'DPoP abc'], ''), 'abc')
    assert.equal(both.extract(['authorization', 'Bearer abc'], ''), 'abc')
    assert.equal(
      both.extract(['authorization', 'DPoP a', 'authorization', 'Bearer a'], ''),
      REPEATED,
    )
    const cookieOnly = extractorOf([{ kind: 'cookie', name: 'jwt' }])
    assert.equal(cookieOnly.extract(['authorization', 'DPoP abc'], ''), null)
  })

  it('refuses a repeated Authorization, whatever its schemes, on any route', () => {
    const fields = ['authorization', 'Basic abc', 'authorization', 'Bearer abc']
    assert.equal(bearer.extract(fields, ''), REPEATED)
    const cookieOnly = extractorOf([{ kind: 'cookie', name: 'jwt' }])
    assert.equal(cookieOnly.extract([...fields, 'cookie', 'jwt=a'], ''), REPEATED)
  })

  it('refuses an empty or broken bearer token as a malformed request', () => {
    for (const value of ['Bearer', 'Bearer ']) {
      assert.equal(bearer.extract(['authorization', value], ''), EMPTY, value)
    }
    for (const value of ['Bearer a b', 'Bearer a,b', 'Bearer "a"']) {
      assert.equal(bearer.extract(['authorization', value], ''), MALFORMED, value)
    }
  })

  it('refuses a token over the limit before it reads it, and takes one of exactly that length', () => {
    const longest = 'a'.repeat(32)
    assert.equal(bearer.extract(['authorization', `Bearer ${longest}`], ''), longest)
    for (const tooLong of [`${longest}a`, `${longest}"`]) {
      const refusal = refuse('token_too_long')
      assert.equal(bearer.extract(['authorization', `Bearer ${tooLong}`], ''), refusal)
      assert.equal(everywhere.extract(['x-token', tooLong], ''), refusal)
      assert.equal(everywhere.extract(['cookie', `jwt=${tooLong}`], ''), refusal)
      assert.equal(everywhere.extract([], `access_token=${tooLong}`), refusal)
      const encoded = `%61%61${tooLong.slice(2)}`
      assert.equal(everywhere.extract(['cookie', `jwt=${encoded}`], ''), refusal)
      assert.equal(everywhere.extract([], `access_token=${encoded}`), refusal)
    }
  })

  it('reads every place that the route names', () => {
    assert.equal(everywhere.extract(['authorization', 'bearer abc'], ''), 'abc')
    assert.equal(everywhere.extract(['x-token', 'abc'], ''), 'abc')
    assert.equal(everywhere.extract(['x-auth', 'token abc'], ''), 'abc')
    assert.equal(everywhere.extract(['cookie', 'a=b; jwt=abc; c=d'], ''), 'abc')
    assert.equal(everywhere.extract([], 'a=b&access_token=abc&c=d'), 'abc')
  })

  it('refuses two tokens in two places, equal ones included (RFC 6750 §2)', () => {
    const places: [string[], string][] = [
      [['authorization', 'Bearer abc'], ''],
      [['x-token', 'abc'], ''],
      [['x-auth', 'Token abc'], ''],
      [['cookie', 'jwt=abc'], ''],
      [[], 'access_token=abc'],
    ]
    for (const [index, [headers, query]] of places.entries()) {
      for (const [moreHeaders, moreQuery] of places.slice(index + 1)) {
        const all = [...headers, ...moreHeaders]
        assert.equal(everywhere.extract(all, query || moreQuery), REPEATED, all.join())
      }
    }
  })

  it('refuses two of one kind', () => {
    assert.equal(everywhere.extract(['x-token', 'a', 'x-token', 'b'], ''), REPEATED)
    assert.equal(everywhere.extract(['cookie', 'jwt=a; jwt=b'], ''), REPEATED)
    assert.equal(everywhere.extract(['cookie', 'jwt=a', 'cookie', 'jwt=b'], ''), REPEATED)
    assert.equal(everywhere.extract([], 'access_token=a&access_token=b'), REPEATED)
  })

  it('tells cookies apart by their whole names, to the letter', () => {
    for (const field of ['xjwt=a', 'jwtx=a', 'JWT=a', 'a=jwt=b', 'jwt', 'x; jwt']) {
      assert.equal(everywhere.extract(['cookie', field], ''), null, field)
    }
    assert.equal(everywhere.extract(['cookie', 'jwt=; a=b'], ''), null, 'an empty one is none')
    assert.equal(everywhere.extract(['cookie', ';;  jwt=abc \t; x'], ''), 'abc')
    assert.equal(everywhere.extract(['cookie', 'jwt="a"bc"'], ''), MALFORMED)
  })

  it('takes equal cookies of one name for one, in one field and in two', () => {
    assert.equal(everywhere.extract(['cookie', 'jwt=a; x=1; jwt=a'], ''), 'a')
    assert.equal(everywhere.extract(['cookie', 'jwt=a', 'x', 'y', 'cookie', 'jwt=a'], ''), 'a')
    assert.equal(everywhere.extract(['cookie', 'jwt=a%2Bb; jwt="a+b"'], ''), 'a+b')
    assert.equal(everywhere.extract(['cookie', 'jwt=a; jwt=a; jwt=b'], ''), REPEATED)
  })

  it('takes equal cookies of two names for two credentials', () => {
    const two = extractorOf([
      { kind: 'cookie', name: 'one' },
      { kind: 'cookie', name: 'other' },
    ])
    assert.equal(two.extract(['cookie', 'one=a; other=a'], ''), REPEATED)
    assert.equal(two.extract(['cookie', 'one=a; one=a'], ''), 'a')
  })

  it('tells query parameters apart by their whole names', () => {
    for (const query of ['xaccess_token=a', 'access_tokens=a', 'a=access_token=b']) {
      assert.equal(everywhere.extract([], query), null, query)
    }
    assert.equal(everywhere.extract([], 'access_token'), EMPTY)
    assert.equal(everywhere.extract([], 'access_token='), EMPTY)
    assert.equal(everywhere.extract([], 'access_token=a%41'), 'aA')
    assert.equal(everywhere.extract([], 'access_token=a%2541'), MALFORMED)
  })
})

describe('cookies of one name, of which one can be ours', () => {
  const sessions = new CredentialExtractor([{ kind: 'cookie', name: 'sid' }], 8, 'token_too_long', {
    isToken: false,
    ownCookie: (value) => (/^own/.test(value) ? value.toLowerCase() : null),
  })
  const found = (...values: readonly string[]) =>
    sessions.extract(['cookie', values.map((value) => `sid=${value}`).join('; ')], '')

  it('are that one, wherever it stands', () => {
    assert.equal(found('own1', 'other'), 'own1')
    assert.equal(found('other', 'another', 'own1'), 'own1')
    assert.equal(found('a'.repeat(9), 'own1'), 'own1')
  })

  it('are two credentials where two can be ours, unless both say the same', () => {
    assert.equal(found('own1', 'own2'), REPEATED)
    assert.equal(found('x', 'own1', 'y', 'own2'), REPEATED)
    assert.equal(found('ownA', 'owna'), 'ownA')
  })

  it('are the first where none can be ours, for that to be refused', () => {
    assert.equal(found('a', 'b'), 'a')
    assert.equal(found('a'.repeat(9), 'b'), refuse('token_too_long'))
  })

  it('are refused without a look at them where there are many', () => {
    assert.equal(found('own1', ...Array.from('abcdefg')), 'own1')
    assert.equal(found('own1', ...Array.from('abcdefgh')), REPEATED)
  })
})
