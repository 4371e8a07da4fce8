/**
 * k6 scenarios with a fixed arrival rate: requests start on schedule whether or not earlier ones are
 * answered, so that a stall shows in the percentiles instead of slowing the load down.
 *
 *     k6 run -e URL=http://127.0.0.1:8080/api/items \
 *       -e TOKENS=/absolute/path/build/loadtest-credentials/RS256.tokens \
 *       [-e RATE=5000] [-e DURATION=30s] [-e NEW_EVERY=20] [-e P99_MS=50] \
 *       loadtest/k6/constant-rate.js
 *
 * NEW_EVERY: one request in so many carries a token that was not sent before; 1 is every request.
 * P99_MS: the run has failed when more than one answer in a hundred takes longer.
 *
 * The tokens and the matching key set are made by the load test: docs/performance.md tells how, and
 * what the gateway needs to trust them.
 */
import { check } from 'k6'
import { SharedArray } from 'k6/data'
import exec from 'k6/execution'
import http from 'k6/http'

const HOT_TOKENS = 1000
const NEW_EVERY = Number(__ENV.NEW_EVERY || 0)

const tokens = new SharedArray('tokens', () => open(__ENV.TOKENS).split('\n').filter(Boolean))

export const options = {
  scenarios: {
    constant: {
      executor: 'constant-arrival-rate',
      rate: Number(__ENV.RATE || 5000),
      timeUnit: '1s',
      duration: __ENV.DURATION || '30s',
      preAllocatedVUs: 64,
      maxVUs: 1024,
    },
  },
  summaryTrendStats: ['p(50)', 'p(99)', 'p(99.9)', 'max'],
  thresholds: {
    // A run with failures, or one that could not keep its rate, says nothing.
    checks: ['rate==1'],
    dropped_iterations: ['count==0'],
    http_req_duration: [`p(99)<${Number(__ENV.P99_MS || 50)}`],
  },
}

/** Hot tokens are the first of the file; new ones follow, each used once. */
function tokenOf(iteration) {
  if (NEW_EVERY === 0 || iteration % NEW_EVERY !== 0) return tokens[iteration % HOT_TOKENS]
  const place = HOT_TOKENS + iteration / NEW_EVERY
  if (place >= tokens.length) exec.test.abort(`only ${tokens.length} tokens: run is void`)
  return tokens[place]
}

// biome-ignore lint/style/noDefaultExport: k6 calls the default export.
export default function request() {
  const token = tokenOf(exec.scenario.iterationInTest)
  const response = http.get(__ENV.URL, { headers: { Authorization: `Bearer ${token}` } })
  check(response, { 'is a 2xx': ({ status }) => status >= 200 && status < 300 })
}
