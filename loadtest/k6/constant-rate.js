/**
 * k6 scenario with a fixed arrival rate: requests start on schedule whether or not earlier ones are
 * answered, so that a stall shows in the percentiles instead of slowing the load down.
 *
 *     k6 run -e URL=http://127.0.0.1:8080/api/items \
 *       -e TOKENS=/absolute/path/build/loadtest-credentials/RS256.tokens \
 *       [-e RATE=5000] [-e DURATION=30s] loadtest/k6/constant-rate.js
 *
 * The tokens and the matching key set are made by the load test:
 * `node build/loadtest/harness.js --scenarios hot-rs256 --rounds 1`.
 */
import { check } from 'k6'
import { SharedArray } from 'k6/data'
import http from 'k6/http'

const tokens = new SharedArray('tokens', () =>
  open(__ENV.TOKENS).split('\n').filter(Boolean).slice(0, 1000),
)

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
  },
}

// biome-ignore lint/style/noDefaultExport: k6 calls the default export.
export default function request() {
  const token = tokens[Math.floor(Math.random() * tokens.length)]
  const response = http.get(__ENV.URL, { headers: { Authorization: `Bearer ${token}` } })
  check(response, { 'is a 2xx': ({ status }) => status >= 200 && status < 300 })
}
