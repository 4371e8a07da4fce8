/** A setting that does not exist is told with the one that it is next to. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LEAST_CONFIGURATION, problemLinesOf } from '../support/configuration-text.ts'

describe('The name of a setting that does not exist', () => {
  const lines = (line: string) => problemLinesOf(`${LEAST_CONFIGURATION}\n${line}`)

  const misspelt = [
    ['sever: {}', 'sever is not a known setting: did you mean server?'],
    [
      'server: { limits: { url_byte: 3 } }',
      'server.limits.url_byte is not a known setting: did you mean urlBytes?',
    ],
    ['rate_limits: {}', 'rate_limits is not a known setting: did you mean rateLimits?'],
    ['server: { dirain: {} }', 'server.dirain is not a known setting: did you mean drain?'],
    [
      'tenants: { resolve: [{ from: claim, naem: x }], registry: { a: {} } }',
      'tenants.resolve[0].naem is not a known setting: did you mean name?',
    ],
    [
      'identity: { headers: { custom: { X-A: { path: a, fromat: json } } } }',
      'identity.headers.custom.X-A.fromat is not a known setting: did you mean format?',
    ],
  ] as const
  for (const [line, problem] of misspelt) {
    it(`is answered with one guess in "${line}"`, () => {
      assert.deepEqual(lines(line), [problem])
    })
  }

  it('is answered with no guess where nothing is near, or too much would be', () => {
    for (const name of ['x', 'ab', 'cors', 'telemetry', 's'.repeat(1_000)]) {
      assert.deepEqual(lines(`${name}: {}`), [`${name} is not a known setting`])
    }
  })

  it('is answered with one guess, of the section in which it stands', () => {
    assert.deepEqual(lines('watch_: true'), ['watch_ is not a known setting: did you mean watch?'])
    // A setting of other sections.
    assert.deepEqual(lines('redis: { keyPrefix: x }'), ['redis.keyPrefix is not a known setting'])
  })
})
