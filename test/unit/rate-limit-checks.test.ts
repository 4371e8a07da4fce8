import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LEAST_CONFIGURATION, parseText, problemLinesOf } from '../support/configuration-text.ts'

/** A configuration with this limit called `x`, which its one route names. */
function textOf(limit: string, route = '', sections = ''): string {
  const named = `upstream: users, rateLimit: x${route} }`
  const text = LEAST_CONFIGURATION.replace('upstream: users }', named)
  return `${text}\nrateLimits: { x: ${limit} }\n${sections}`
}

const LEAST = '{ global: { rate: 1/s } }'

describe('the rateLimits section', () => {
  it('takes the whole rate of a period at once, unless a burst is given', () => {
    const { rateLimits } = parseText(
      textOf('{ perAddress: { rate: 10/m }, global: { rate: 5/s, burst: 2 } }'),
    )
    const [limit] = rateLimits
    assert.deepEqual(limit?.perAddress, { count: 10, periodSeconds: 60, burst: 10, isFleet: false })
    assert.deepEqual(limit?.global, { count: 5, periodSeconds: 1, burst: 2, isFleet: false })
    assert.deepEqual([limit?.perUsername, limit?.field, limit?.validation], [null, null, null])
  })

  it('counts users by the member username, unless another one is named', () => {
    const fieldOf = (limit: string) => parseText(textOf(limit)).rateLimits[0]?.field
    assert.equal(fieldOf('{ perUsername: { rate: 1/s } }'), 'username')
    assert.equal(fieldOf('{ perUsername: { rate: 1/s, field: email } }'), 'email')
    const lock = 'failures: { perUsername: { threshold: 3, lockout: 10s, field: login } }'
    assert.equal(fieldOf(`{ ${lock} }`), 'login')
  })

  it('forgets failures after as long as a lock lasts, unless a window is given', () => {
    const text = textOf(
      '{ failures: { perAddress: { threshold: 5, lockout: 300s },' +
        ' perUsername: { threshold: 9, lockout: 1m, window: 1h } } }',
    )
    const [limit] = parseText(text).rateLimits
    assert.deepEqual(limit?.failuresPerAddress, {
      threshold: 5,
      lockoutMs: 300_000,
      windowMs: 300_000,
      isFleet: false,
    })
    assert.equal(limit?.failuresPerUsername?.windowMs, 3_600_000)
  })

  it('shares with the fleet what says so, or what the whole limit says', () => {
    const redis = "redis: { nodes: ['127.0.0.1:6379'] }"
    const text = textOf(
      '{ fleet: true, perAddress: { rate: 1/s, fleet: false }, global: { rate: 9/s } }',
      '',
      redis,
    )
    const [limit] = parseText(text).rateLimits
    assert.deepEqual([limit?.perAddress?.isFleet, limit?.global?.isFleet], [false, true])
  })

  const bad: readonly (readonly [limit: string, problem: string, route?: string])[] = [
    ['{}', 'rateLimits.x limits nothing: it has no part'],
    ['{ failures: {} }', 'rateLimits.x limits nothing: it has no part'],
    [
      '{ global: { rate: 1/s }, failures: {} }',
      'rateLimits.x.failures needs perAddress or perUsername',
    ],
    [
      "{ global: { rate: '10' } }",
      'rateLimits.x.global.rate must be a rate such as 1000/s, 10/m, 5/h or 1/d',
    ],
    [
      '{ global: { rate: 100001/s } }',
      'rateLimits.x.global.rate must be a rate such as 1000/s, 10/m, 5/h or 1/d',
    ],
    [
      '{ global: { rate: 1/s, burst: 0 } }',
      'rateLimits.x.global.burst must be a whole number from 1 to 1000000',
    ],
    ['{ global: { rate: 1/s, fleet: true } }', 'rateLimits.x.global.fleet needs a redis section'],
    [
      '{ perUsername: { rate: 1/s, field: a },' +
        ' failures: { perUsername: { threshold: 1, lockout: 1s, field: b } } }',
      'rateLimits.x.failures.perUsername.field must be that of perUsername',
    ],
    [
      '{ perKey: { rate: 1/s } }',
      'routes[0].rateLimit names a limit with perKey, but the route takes no API keys',
    ],
    [
      '{ perTenant: { rate: 1/s } }',
      'routes[0].rateLimit names a limit with perTenant, but the requests of the route have no tenant',
    ],
    [
      '{ validation: { rate: 1/s } }',
      'routes[0].rateLimit names a limit with validation, but the route verifies no credential',
      ', authenticate: none',
    ],
    [
      '{ failures: { perAddress: { threshold: 1, lockout: 1s } } }',
      'routes[0].rateLimit names a limit whose failures never happen here: it needs upstreamStatuses',
      ', authenticate: none',
    ],
  ]
  for (const [limit, problem, route] of bad) {
    it(`says that ${problem}`, () => {
      assert.deepEqual(problemLinesOf(textOf(limit, route)), [problem])
    })
  }

  it('gives no limit a name under which the rates of records are counted', () => {
    const name = (text: string) => `${LEAST_CONFIGURATION}\nrateLimits: { '${text}': ${LEAST} }\n`
    for (const text of ['', '/key', '/tenant']) {
      const [problem] = problemLinesOf(name(text))
      assert.match(problem ?? '', /is not a usable name/)
    }
  })

  it('has every limit that a route names', () => {
    const text = LEAST_CONFIGURATION.replace(
      'upstream: users }',
      'upstream: users, rateLimit: nowhere }',
    )
    assert.deepEqual(problemLinesOf(text), [
      'routes[0].rateLimit names a limit that does not exist',
    ])
  })
})
