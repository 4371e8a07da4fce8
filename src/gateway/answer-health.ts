/** `/health/live` and `/health/ready` on the main port: never authenticated, never proxied. */
import type { AnsweredExchange } from '../http/exchange.ts'
import type { Readiness } from './health.ts'
import type { MainEndpoint } from './main-endpoint.ts'

const HEADERS = ['content-type', 'application/json', 'cache-control', 'no-store'] as const
const OK = '200 OK'
const UNAVAILABLE = '503 Service Unavailable'

/**
 * Both, with and without a slash at the end, which to most servers is the same. They take any
 * method. Live as soon as a thread can answer at all; ready as the supervisor says, with every
 * issuer's condition in the body.
 */
export function healthEndpoints(readiness: () => Readiness): readonly MainEndpoint[] {
  const live = (exchange: AnsweredExchange) => exchange.answer(OK, HEADERS, '{"status":"live"}')
  const ready = (exchange: AnsweredExchange) => {
    const told = readiness()
    exchange.answer(told.ready ? OK : UNAVAILABLE, HEADERS, JSON.stringify(told))
  }
  return [
    { path: '/health/live', answer: live },
    { path: '/health/ready', answer: ready },
    { path: '/health/live/', answer: live },
    { path: '/health/ready/', answer: ready },
  ].map((row) => ({ ...row, kind: 'own', hasMembers: false, takes: () => true }))
}
