/** Origins as a configuration lists them, with `*` for every host below one. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OriginList, originPattern } from '../../src/http/origin-list.ts'

describe('an origin in a configuration', () => {
  it('is brought to its one spelling', () => {
    assert.equal(originPattern('HTTPS://App.Example.com:443/'), 'https://app.example.com')
    assert.equal(originPattern('https://*.Example.com:443'), 'https://*.example.com')
    assert.equal(originPattern('http://*.example.com:8080/'), 'http://*.example.com:8080')
  })

  it('has * only in front of a name of two labels, and nowhere else', () => {
    const refused = [
      ...[
        '*',
        'https://*',
        'https://*.com',
        'https://*.com.:443',
        'https://*.',
        'https://*:443',
        'https://app.*.com',
      ],
      ...['https://a*.example.com', 'https://*a.example.com', 'https://**.example.com'],
      ...['https://*.*.example.com', '*://app.example.com', '*.example.com'],
      ...['https://*.example.com/x', 'https://*.example.com:*', 'https://*.10.0.0.1'],
      ...['https://u@*.example.com', 'https://*.example.com?x', 'https://*.example.com#x'],
    ]
    for (const value of refused) assert.equal(originPattern(value), null, value)
  })
})

describe('a list of origins', () => {
  const list = new OriginList(['https://app.example.org', 'https://*.example.com'])

  it('admits every host below, one label or more', () => {
    for (const host of ['a.example.com', 'a.b.example.com', 'x-1.example.com', '_x.example.com']) {
      assert.ok(list.has(`https://${host}`), host)
    }
    assert.ok(list.has('https://app.example.org'))
  })

  it('admits neither the host itself, nor another scheme, port or name', () => {
    const foreign = [
      ...['https://example.com', 'https://.example.com', 'https://*.example.com', '*', ''],
      ...['http://a.example.com', 'https://a.example.com:8443', 'https://a.example.com:443'],
      ...['https://good.example.evil.tld', 'https://example.com.evil', 'https://evilexample.com'],
      ...['https://a.example.com.evil', 'https://a.example.com/', 'https://evil/.example.com'],
      ...['https://evil?.example.com', 'https://evil#.example.com', 'https://u@x.example.com'],
      ...['https://evil:1.example.com', 'https://a..example.com', 'https://A.EXAMPLE.com'],
      ...['https://x\n.example.com', 'null', 'https://b.app.example.org', 'a.example.com'],
    ]
    for (const origin of foreign) assert.ok(!list.has(origin), JSON.stringify(origin))
  })

  it('compares ports where they are written', () => {
    const ported = new OriginList(['https://*.example.com:8443'])
    assert.ok(ported.has('https://a.example.com:8443'))
    for (const port of ['', ':443', ':84430', ':8443:8443']) {
      assert.ok(!ported.has(`https://a.example.com${port}`), port)
    }
  })

  it('that is empty admits nothing', () => {
    for (const origin of ['', 'null', 'https://a.example.com']) {
      assert.ok(!new OriginList([]).has(origin))
    }
  })
})
