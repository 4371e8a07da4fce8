import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { acceptsByName, prefersByName } from '../../src/http/accept-field.ts'

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

describe('Accept (RFC 9110 §12.5.1)', () => {
  const named = [
    BROWSER,
    'text/html',
    'TEXT/HTML',
    'application/json , text/html ; q=0.001',
    'text/html;level=1',
    'text/html;q=1.000',
    'text/html;q=0, text/html;level=1',
    'a/b;x="text/html;q=0, ", text/html',
    'a/b;x="\\"", text/html',
  ]
  for (const accept of named) {
    it(`names HTML in ${accept}`, () => assert.equal(acceptsByName(accept, 'text/html'), true))
  }

  it('prefers HTML where nothing that programs ask for has as much weight', () => {
    const prefers = (accept: string) => prefersByName(accept, 'text/html', ['a/json', 'a/b'])
    for (const accept of [BROWSER, 'text/html', 'text/html;q=0.2, a/json;q=0.1, */*']) {
      assert.equal(prefers(accept), true, accept)
    }
    for (const accept of ['*/*', 'a/json', 'a/b, text/html', 'text/html;q=0.2, A/JSON;q=0.2', '']) {
      assert.equal(prefers(accept), false, accept)
    }
  })

  const others = [
    '',
    '*/*',
    'text/*',
    'application/json',
    'text/html;q=0',
    'text/html;Q=0.000',
    'text/html;level=1;q=0.0',
    'text/html;q=2',
    'text/html;q=1.1',
    'text/html;q=',
    'text/html;q=0.0001',
    'text/htmlx',
    'xtext/html',
    'text/html text/plain',
    'a/b;x=",text/html,"',
    'a/b;x="\\",text/html,"',
    'a/b;x=",text/html',
  ]
  for (const accept of others) {
    it(`does not name HTML in "${accept}"`, () => {
      assert.equal(acceptsByName(accept, 'text/html'), false)
    })
  }
})
