import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileRoutes, type RouteMatch } from '../../src/routing/compile-routes.ts'
import { AMBIGUOUS_PATH, findRoute } from '../../src/routing/match-route.ts'

const table = (...paths: (string | Partial<RouteMatch>)[]) =>
  compileRoutes(
    paths.map((entry, index) => {
      const match = typeof entry === 'string' ? { path: entry } : entry
      return {
        match: {
          path: '/',
          host: null,
          methods: [],
          isCaseSensitive: false,
          keptForms: 0,
          ...match,
        },
        target: typeof entry === 'string' ? entry : String(index),
      }
    }),
    [],
  )

const find = (routes: ReturnType<typeof table>, path: string, method = 'GET', host = 'a.test') =>
  findRoute(routes, method, path, host)

describe('matching a request to a route', () => {
  it('takes the first route in configuration order, however specific a later one is', () => {
    assert.equal(find(table('/users/*', '/users/me'), '/users/me'), '/users/*')
    assert.equal(find(table('/users/me', '/users/*'), '/users/me'), '/users/me')
  })

  it('covers the bare prefix and everything below it, and no sibling that starts alike', () => {
    const routes = table('/users/*')
    for (const path of ['/users', '/users/', '/users/1', '/users/1/x']) {
      assert.equal(find(routes, path), '/users/*', path)
    }
    for (const path of ['/', '/user', '/users2', '/usersx/1']) {
      assert.equal(find(routes, path), null, path)
    }
  })

  it('lets an exact route match with one slash at the end, and nothing else behind it', () => {
    const routes = table('/secret', '/')
    assert.equal(find(routes, '/secret'), '/secret')
    assert.equal(find(routes, '/secret/'), '/secret')
    assert.equal(find(routes, '/'), '/')
    for (const path of ['/secret/x', '/secretx', '/secre/']) {
      assert.equal(find(routes, path), null, path)
    }
    assert.equal(find(routes, '/secret//'), AMBIGUOUS_PATH)
  })

  it('takes an encoded colon or star for the character, and for no parameter or wildcard', () => {
    const routes = table('/users/%3Aid', '/users/me', '/files/%2A', '/files/me', '/%3Aid/x', '/y/x')
    for (const path of [
      '/users/%3Aid',
      '/users/me',
      '/files/%2A',
      '/files/me',
      '/%3Aid/x',
      '/y/x',
    ]) {
      assert.equal(find(routes, path), path, path)
    }
    for (const path of ['/users/m%C3%A9', '/users/Me2', '/files/a%C3%A9/b', '/z%C3%A9/x']) {
      assert.equal(find(routes, path), null, path)
    }
    // A service that decodes it reads the other spelling of the same name.
    assert.equal(find(routes, '/users/:id'), null)
    assert.equal(find(table('/users/%3Aid', '/users/*'), '/users/%253Aid'), AMBIGUOUS_PATH)
  })

  it('keeps a catch-all in its place among the routes that name a first segment', () => {
    const routes = table('/a/*', '/*', '/b/*')
    assert.equal(find(routes, '/a/x'), '/a/*')
    assert.equal(find(routes, '/b/x'), '/*')
    assert.equal(find(routes, '/'), '/*')
  })

  it('lets a wildcard in the middle stand for exactly one non-empty segment', () => {
    const routes = table('/tenants/*/users', '/x/*/y/*')
    assert.equal(find(routes, '/tenants/acme/users'), '/tenants/*/users')
    assert.equal(find(routes, '/tenants/acme/users/'), '/tenants/*/users')
    for (const path of ['/tenants/users', '/tenants/a/b/users', '/tenants/a/users/x', '/tenants']) {
      assert.equal(find(routes, path), null, path)
    }
    assert.equal(find(routes, '/x/1/y'), '/x/*/y/*')
    assert.equal(find(routes, '/x/1/y/2/3'), '/x/*/y/*')
    assert.equal(find(routes, '/x/1/z/2'), null)
  })

  it('lets a parameter stand for exactly one non-empty segment, at the end too', () => {
    const routes = table('/users/:id', '/:tenant/orders/:order/*')
    for (const path of ['/users/1', '/users/1/', '/users/a:b', '/users/:id', '/users/x.json']) {
      assert.equal(find(routes, path), '/users/:id', path)
    }
    for (const path of ['/users', '/users/', '/users//', '/users/1/x', '/usersx/1', '/a/orders']) {
      assert.equal(find(routes, path), null, path)
    }
    for (const path of ['/acme/orders/7', '/acme/orders/7/', '/acme/orders/7/lines/1']) {
      assert.equal(find(routes, path), '/:tenant/orders/:order/*', path)
    }
  })

  it('refuses a path that a parameter would match only for a lenient service', () => {
    const routes = table('/files/secret', '/files/:name')
    assert.equal(find(routes, '/files/SECRET'), AMBIGUOUS_PATH)
    assert.equal(find(routes, '/files/secre%2574'), AMBIGUOUS_PATH)
    assert.equal(find(routes, '/files/other'), '/files/:name')
  })

  it('compares methods and hosts where the route names them', () => {
    const routes = table(
      { path: '/*', methods: ['POST'] },
      { path: '/*', host: '*.api.example.com' },
      { path: '/*', host: 'Example.com' },
    )
    assert.equal(find(routes, '/x', 'POST'), '0')
    assert.equal(find(routes, '/x', 'GET', 'acme.api.example.com'), '1')
    assert.equal(find(routes, '/x', 'GET', 'example.com'), '2')
    for (const host of ['api.example.com', 'evilapi.example.com', '.api.example.com', 'a.test']) {
      assert.equal(find(routes, '/x', 'GET', host), null, host)
    }
  })
})
