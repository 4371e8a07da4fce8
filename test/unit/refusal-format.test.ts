/** The bodies of refusals: what operators may write, and what is put in. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RefusalFormat } from '../../src/gateway/refusal-format.ts'
import { AUTH_ERROR_CODES, AUTH_ERRORS } from '../../src/protocol/auth-error.ts'
import { parseJsonTemplate } from '../../src/protocol/refusal-template.ts'

const CHROME =
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'
const ID = 'r-1'

function requestWith(accept: string | null) {
  const head = {
    ...{ method: 'GET', path: '/', query: '', hasQuery: false, host: 'a', authority: 'a' },
    ...{ contentLength: 0, hasBody: false },
    headers: accept === null ? [] : ['accept', accept],
  }
  return { exchange: { head, scheme: 'http' as const }, forwarding: null }
}

function templateOf(value: unknown): string {
  const parsed = parseJsonTemplate(typeof value === 'string' ? value : JSON.stringify(value))
  assert.ok(parsed.ok, JSON.stringify(parsed))
  return parsed.value
}

const bare = { codeHeader: null, template: null, page: null }

describe('a JSON template', () => {
  const errorOf = (value: unknown, id = ID) => {
    const format = new RefusalFormat({ ...bare, template: templateOf(value) })
    const { headers, text } = format.bodyFor('token_expired', id, null)
    assert.deepEqual(headers, ['content-type', 'application/json'])
    return JSON.parse(text) as unknown
  }
  const { title, message } = AUTH_ERRORS.token_expired

  it('has the members of the operator: as in the APIs of Stripe, OpenAI and Google', () => {
    const stripe = { error: { type: 'auth', code: '{code}', message: '{message}' } }
    assert.deepEqual(errorOf(stripe), { error: { type: 'auth', code: 'token_expired', message } })
    const google = { error: { code: '{status}', status: 'UNAUTHENTICATED', details: ['{code}'] } }
    assert.deepEqual(errorOf(google), {
      error: { code: 401, status: 'UNAUTHENTICATED', details: ['token_expired'] },
    })
    const text = { text: '{title} ({status}), id {requestId}', ok: false, none: null, n: 1.5 }
    assert.deepEqual(errorOf(text), { ...text, text: `${title} (401), id ${ID}` })
  })

  it('keeps what only looks like a number or a placeholder, in any language', () => {
    const odd = {
      quoted: '"{status}"',
      brackets: '[{status}]',
      'key {status}': '\\',
      german: 'Zugriff verweigert, Grüße',
      empty: '{}',
    }
    assert.deepEqual(errorOf(odd), {
      ...{ quoted: '"401"', brackets: '[401]', 'key 401': '\\' },
      ...{ german: 'Zugriff verweigert, Grüße', empty: '{}' },
    })
  })

  it('is one object of JSON, in which every id stays a text', () => {
    for (const id of ['"', '\\', '","role":"admin', '{message}', '</script>', '\u2028']) {
      assert.deepEqual(errorOf({ id: '{requestId}' }, id), { id })
    }
  })

  it('is refused when it is none, says one thing twice, or has a word that is no placeholder', () => {
    const none = ['', '[]', '"{code}"', 'null', '{"a":1', '{"a":1,"a":2}', '{code}']
    const misspelled = [{ a: '{Code}' }, { a: '{ code }' }, { a: '{claims.sub}' }, { '{x}': 1 }]
    for (const text of [...none, ...misspelled.map((it) => JSON.stringify(it))]) {
      assert.equal(parseJsonTemplate(text).ok, false, text)
    }
  })
})

describe('a page for browsers', () => {
  const page =
    '<!doctype html><title>{title}</title><style>p{color:red}</style>' +
    '<p data-id="{requestId}">{message} {code} {status} {claims} Grüße'
  const format = new RefusalFormat({ ...bare, page })

  it('is for who prefers HTML: Chrome, Firefox, Safari and htmx', () => {
    for (const accept of [
      CHROME,
      'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
      'text/html, */*',
      'application/json;q=0.5, text/html',
    ]) {
      const { headers, text } = format.bodyFor('token_expired', ID, requestWith(accept))
      const { title, message } = AUTH_ERRORS.token_expired
      assert.deepEqual(headers, [
        ...['content-type', 'text/html; charset=utf-8', 'x-content-type-options', 'nosniff'],
        ...['vary', 'Accept'],
      ])
      assert.ok(text.includes(`<title>${title}</title><style>p{color:red}</style>`))
      assert.ok(text.endsWith(`data-id="${ID}">${message} token_expired 401 {claims} Grüße`))
    }
  })

  it('is not for curl, fetch, axios, jQuery and what is not known', () => {
    for (const accept of [
      ...['*/*', 'application/json, text/plain, */*', 'application/json, text/javascript, */*'],
      ...['text/html;q=0', 'text/html, application/json', 'application/problem+json, text/html'],
      null,
    ]) {
      const { headers, text } = format.bodyFor('token_expired', ID, requestWith(accept))
      assert.deepEqual(headers, ['content-type', 'application/problem+json', 'vary', 'Accept'])
      assert.equal((JSON.parse(text) as { error: string }).error, 'token_expired')
    }
    const { headers } = format.bodyFor('token_expired', ID, null)
    assert.equal(headers.includes('text/html; charset=utf-8'), false)
  })

  it('gives programs the template, where there is one', () => {
    const both = new RefusalFormat({ ...bare, page, template: templateOf({ e: '{code}' }) })
    assert.equal(
      both.bodyFor('missing_token', ID, requestWith('*/*')).text,
      '{"e":"missing_token"}',
    )
  })

  it('holds every value as text: no id ends an element or an attribute', () => {
    const request = requestWith('text/html')
    for (const id of ['<script>', '"><img>', "'", '`', '&lt;', '{message}']) {
      const { text } = format.bodyFor('invalid_token', id, request)
      const told = /data-id="([^"]*)">/.exec(text)?.[1] ?? ''
      assert.equal(/[<>'`]/.test(told), false, text)
      const read = told.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
      assert.equal(read, id)
    }
  })

  it('has a text for every code', () => {
    for (const code of AUTH_ERROR_CODES) {
      const { text } = format.bodyFor(code, ID, requestWith(CHROME))
      assert.ok(text.includes(` ${code} ${AUTH_ERRORS[code].status} `), code)
    }
  })
})
