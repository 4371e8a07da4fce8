/** What of a request goes upstream once its token has been judged. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  AUTHORIZATION_BEARER,
  type CredentialSource,
} from '../../src/credentials/credential-source.ts'
import { CredentialExtractor } from '../../src/credentials/extract-credential.ts'
import { CredentialStripper } from '../../src/credentials/strip-credential.ts'

const SOURCES: readonly CredentialSource[] = [
  AUTHORIZATION_BEARER,
  { kind: 'header', name: 'X-Token', scheme: null },
  { kind: 'cookie', name: 'jwt' },
  { kind: 'query', name: 'access_token' },
]
const stripper = new CredentialStripper(SOURCES)

const SPELLINGS = [
  'access%5Ftoken=x',
  '%61ccess_toke%6e=x',
  '%u0061ccess_token=x',
  'ACCESS_TOKEN=x',
  'Access%5ftoken=x',
  'access_token[]=x',
  'access_token%5B%5D=x',
  'access_token[0][a]=x',
  '[access_token]=x',
  'access.token=x',
  'access+token=x',
  'access[token=x',
  '+access_token=x',
  '%20access_token=x',
  'access_token%00=x',
  'access_token%00[a]=x',
  '?access_token=x',
  '??access%5Ftoken=x',
]

/** What goes on of a whole list. */
function stripped(headers: readonly string[]): string[] {
  const kept: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? ''
    const value = stripper.strippedValue(name, headers[index + 1] ?? '')
    if (value !== null) kept.push(name, value)
  }
  return kept
}

describe('removal of the credential before a request goes upstream', () => {
  it('removes the fields that carry it and keeps the others in order', () => {
    const headers = ['a', '1', 'authorization', 'BEARER x', 'b', '2', 'x-token', 'x', 'c', '3']
    assert.deepEqual(stripped(headers), ['a', '1', 'b', '2', 'c', '3'])
  })

  it('keeps Authorization of another scheme, which is not ours', () => {
    const headers = ['authorization', 'Basic abc']
    assert.deepEqual(stripped(headers), headers)
  })

  it('removes that cookie alone, wherever it stands', () => {
    const cases = [
      ['jwt=x', null],
      ['jwt=x; a=1', 'a=1'],
      ['a=1; jwt=x; b=2', 'a=1; b=2'],
      ['a=1; jwt=x', 'a=1'],
      ['a=1;jwt=x;', 'a=1'],
      ['a=1;b=2 ;;\tc=3; jwt=x', 'a=1; b=2 ; c=3'],
      ['jwt=x; a=1; jwt=y', 'a=1'],
      ['a=1; jwt =x; jwt\t= y; b=2', 'a=1; b=2'],
      ['jwt x=1; jwt ; j wt=2', 'jwt x=1; jwt ; j wt=2'],
      ['ajwt=1; jwtb=2; a=jwt=x', 'ajwt=1; jwtb=2; a=jwt=x'],
    ] as const
    for (const [field, kept] of cases) {
      assert.equal(stripper.strippedValue('cookie', field), kept, field)
    }
  })

  it('removes that cookie however often it stands in the largest field that is let in', () => {
    const pairs = `a=1;${'jwt=; '.repeat(2_600)}`
    const rest = `b=${'x'.repeat(16_384 - pairs.length - 2)}`
    assert.equal(stripper.strippedValue('cookie', `${pairs}${rest}`), `a=1; ${rest}`)
  })

  it('removes that query parameter alone, wherever it stands', () => {
    const cases = [
      ['access_token=x', ''],
      ['access_token=x&a=1', 'a=1'],
      ['a=1&access_token=x&b=2', 'a=1&b=2'],
      ['a=1&access_token=x', 'a=1'],
      ['access_token&a=1&access_token=y', 'a=1'],
      ['access_tokens=1&a=access_token=x', 'access_tokens=1&a=access_token=x'],
    ] as const
    for (const [query, kept] of cases) assert.equal(stripper.strippedQuery(query), kept, query)
  })

  it('removes that query parameter in every spelling that some server understands', () => {
    for (const query of SPELLINGS) {
      assert.equal(stripper.strippedQuery(query), '', query)
      assert.equal(stripper.strippedQuery(`a=1&${query}&b=%5F`), 'a=1&b=%5F', query)
    }
  })

  it('finds a second token in another spelling, so that the request is refused', () => {
    const extractor = new CredentialExtractor(SOURCES, 100)
    for (const query of SPELLINGS) {
      assert.equal(extractor.extract([], query), 'x', query)
      const twice = extractor.extract([], `access_token=y&${query}`)
      assert.equal(twice !== null && typeof twice === 'object' && twice.code, 'invalid_request')
    }
  })

  it('keeps parameters of other names as they are written', () => {
    const query = 'access+tokens=1&%61=access%5Ftoken=x&q=;;a;&&xaccess_token=1&a[access_token]=1&'
    assert.equal(stripper.strippedQuery(query), query)
    assert.equal(stripper.strippedQuery(`${query}&access%5ftoken`), query)
    assert.equal(stripper.strippedQuery('&;a&access_token=x;b'), '&;a;b')
  })

  it('takes one parameter for one credential where two configured names mean the same', () => {
    const sources = [
      { kind: 'query', name: 'access_token' },
      { kind: 'query', name: 'Access.Token' },
    ] as const
    assert.equal(new CredentialExtractor(sources, 100).extract([], 'access_token=x'), 'x')
  })

  it('leaves nothing behind that the extractor would find', () => {
    const extractor = new CredentialExtractor(SOURCES, 100)
    const headers = ['authorization', 'Bearer x', 'cookie', ' jwt=x;jwt=y ; jwt=z', 'x-token', 'x']
    const query = 'access_token=x&access_token=y&access_token'
    const remains = extractor.extract(stripped(headers), stripper.strippedQuery(query))
    assert.equal(remains, null)
  })
})
