import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { acceptsByName } from '../../src/http/accept-field.ts'

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
