import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileRoutes } from '../../src/routing/compile-routes.ts'
import { AMBIGUOUS_PATH, findRoute } from '../../src/routing/match-route.ts'

const routes = compileRoutes(
  ['/admin/*', '/secret', '/@internal/*', '/*'].map((path) => ({
    match: { path, host: null, methods: [], isCaseSensitive: false, keptForms: 0 },
    target: path,
  })),
  ['/health/live'],
)

const find = (path: string) => findRoute(routes, 'GET', path, 'a.test')

describe('a path that a lenient upstream reads as another', () => {
  it('is ambiguous when the other reading belongs to another route', () => {
    for (const path of [
      '/admin;x/y',
      '/secret;a',
      '/secret%3Ba',
      '/%40internal/a',
      '/admin%3B/a',
      '/secret;/a',
      '/secret%250A',
      '/%E0%81%A1dmin/a',
      '/secret%EF%BC%9B%FF',
    ]) {
      assert.equal(find(path), AMBIGUOUS_PATH, path)
    }
  })

  it('is no problem when both readings belong to one route', () => {
    assert.equal(find('/admin/a;v=1/b%40c'), '/admin/*')
    assert.equal(find('/files/a;v=1'), '/*')
    assert.equal(find('/caf%C3%A9'), '/*')
  })

  it('with a slash at its end belongs to the route without one', () => {
    assert.equal(find('/secret/'), '/secret')
    assert.equal(find('/secrets'), '/*')
  })
})
