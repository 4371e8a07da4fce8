/** What a configuration may ask of a route's policy. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ISSUERS, parseText, problemLinesOf } from '../support/configuration-text.ts'

const BASE = {
  issuers: ISSUERS,
  sessions: { store: 'memory' },
  upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
}
const RESOURCE_PROBLEM =
  'routes[0].resource must be an absolute http or https URL without credentials, query and ' +
  'fragment, its path in the spelling that requests are matched in'
const PAGE_PROBLEM =
  'routes[0].loginRedirect.url must be an absolute http or https URL or an absolute path, ' +
  'without credentials and fragment'

/** JSON is YAML. */
function text(...routes: readonly object[]): string {
  const named = routes.map((route, index) => ({
    name: `r${index}`,
    match: { path: `/${index}` },
    upstream: 'users',
    ...route,
  }))
  return JSON.stringify({ ...BASE, routes: named })
}

const loginAt = (url: string) => ({ authenticate: ['session'], loginRedirect: { url } })

describe('the errors of routes', () => {
  const problemsOf = (errors: object) => problemLinesOf(text({ authenticate: 'none', errors }))

  it('are problem documents with the code in X-Sallyport-Code, unless a route says otherwise', () => {
    const template = '{"a":"{status}"}\n'
    const { routes } = parseText(
      text(
        { authenticate: 'none' },
        { authenticate: 'none', errors: { codeHeader: null } },
        { authenticate: 'none', errors: { format: 'json', template, codeHeader: 'X-Error' } },
      ),
    )
    const plain = { codeHeader: 'x-sallyport-code', template: null, page: null }
    assert.deepEqual(routes[0]?.errors, plain)
    assert.deepEqual(routes[1]?.errors, { ...plain, codeHeader: null })
    const json = { codeHeader: 'x-error', template: '{"a":{status}}', page: null }
    assert.deepEqual(routes[2]?.errors, json)
  })

  it('must fit their format', () => {
    const at = 'routes[0].errors'
    assert.deepEqual(problemsOf({ format: 'json' }), [`${at}.template is needed for json`])
    assert.deepEqual(problemsOf({ format: 'html' }), [`${at}.page is needed for html`])
    const template = '{}'
    assert.deepEqual(problemsOf({ template }), [`${at}.template needs format: json or html`])
    assert.deepEqual(problemsOf({ page: 'x' }), [`${at}.page needs format: html`])
    const noObject = { format: 'json', template: '[]' }
    assert.deepEqual(problemsOf(noObject), [`${at}.template must be the text of a JSON object`])
    const words = 'must have no placeholders but {code}, {status}, {title}, {message}, {requestId}'
    const misspelled = { format: 'json', template: '{"a":"{claim}"}' }
    assert.deepEqual(problemsOf(misspelled), [`${at}.template ${words}`])
  })

  it('put the code into no field that means something else', () => {
    const names = ['Content-Type', 'Set-Cookie', 'Location', 'X-Request-Id', 'WWW-Authenticate']
    names.push('X-Content-Type-Options')
    for (const codeHeader of [...names, 'Vary', 'X_Code', 'Access-Control-Allow-Origin', '']) {
      assert.equal(problemsOf({ codeHeader }).length, 1, codeHeader)
    }
  })

  it('let no route put a code into answers of its service', () => {
    const edited = (name: string, errors: object) => {
      const headers = { response: { set: { [name]: 'token_expired' } } }
      return text({ authenticate: 'none', headers, errors })
    }
    assert.equal(problemLinesOf(edited('X-SALLYPORT-Code', {})).length, 1)
    assert.equal(problemLinesOf(edited('X-Error', { codeHeader: 'x-error' })).length, 1)
    assert.equal(parseText(edited('X-Sallyport-Code', { codeHeader: null })).routes.length, 1)
  })
})

describe('the policy of routes', () => {
  it('may be shadow, a resource and a login page', () => {
    const resource = 'https://api.example.com/v1'
    const { routes } = parseText(
      text(
        { mode: 'shadow', resource },
        { authenticate: ['jwt'], resource },
        loginAt('/login?theme=dark'),
        loginAt('https://login.example.com'),
        { match: { path: '/login' }, authenticate: 'optional' },
      ),
    )
    assert.equal(routes[0]?.mode, 'shadow')
    assert.equal(routes[1]?.resource, resource)
    assert.deepEqual(routes[2]?.loginRedirect, {
      url: '/login?theme=dark',
      returnParameter: 'return_to',
    })
  })

  const refused: readonly (readonly [string, readonly object[], readonly string[]])[] = [
    [
      'shadow without authentication',
      [{ mode: 'shadow', authenticate: 'none' }],
      ['routes[0].mode has nothing to report with authenticate: none'],
    ],
    [
      'shadow where the identity takes the place of the credential',
      [{ mode: 'shadow', identity: 'internal-token' }],
      ['routes[0].mode keeps the credential, whose place identity: internal-token takes'],
    ],
    [
      'a resource without authentication',
      [{ resource: 'https://a.example.com', authenticate: 'none' }],
      ['routes[0].resource is for bearer tokens: it needs authenticate with jwt or introspection'],
    ],
    [
      'a resource without bearer tokens',
      [{ resource: 'https://a.example.com', authenticate: ['session'] }],
      ['routes[0].resource is for bearer tokens: it needs authenticate with jwt or introspection'],
    ],
    [
      'metadata in two places',
      [{ resource: 'https://a.example.com', resourceMetadata: 'https://b.example.com/m' }],
      ['routes[0].resource cannot be combined with resourceMetadata'],
    ],
    [
      'two spellings of one resource',
      [{ resource: 'https://a.example.com/x' }, { resource: 'http://A.example.com:8080/x' }],
      ['routes[1].resource has its metadata where routes[0].resource has it: spell both alike'],
    ],
    [
      'a login page without authentication',
      [{ ...loginAt('/login'), authenticate: 'none' }],
      [
        'routes[0].loginRedirect has no effect with authenticate: none, which never asks for a login',
      ],
    ],
    [
      'a login page that has the parameter already',
      [loginAt('/login?a=1&return_to=/')],
      ['routes[0].loginRedirect.url has a parameter return_to already'],
    ],
    [
      'a login page behind itself',
      [loginAt('/login'), { ...loginAt('/login'), match: { path: '/*' } }],
      [
        'routes[0].loginRedirect.url is on a route that redirects to it: no browser would ever get there',
        'routes[1].loginRedirect.url is on a route that redirects to it: no browser would ever get there',
      ],
    ],
  ]
  for (const [what, routes, problems] of refused) {
    it(`must not be ${what}`, () => {
      assert.deepEqual(problemLinesOf(text(...routes)), problems)
    })
  }

  for (const resource of [
    'api',
    '/v1',
    'ftp://a.example.com',
    'https://a.example.com/x?y=1',
    'https://a.example.com/x?',
    'https://a.example.com/x#y',
    'https://u:p@a.example.com/',
    'https://a.example.com/x/../y',
    'https://a.example.com//x',
    'https://a.example.com/%41',
    'https:///a.example.com/x',
  ]) {
    it(`must not have ${resource} as a resource`, () => {
      assert.deepEqual(problemLinesOf(text({ resource })), [RESOURCE_PROBLEM])
    })
  }

  for (const url of [
    'login',
    '//evil.example.com/login',
    '/\\evil.example.com',
    '/login#top',
    '/login?a#b',
    '/a/../login',
    'javascript:alert(1)',
    'https://login.example.com/#top',
  ]) {
    it(`must not redirect to ${url}`, () => {
      assert.deepEqual(problemLinesOf(text(loginAt(url))), [PAGE_PROBLEM])
    })
  }
})
