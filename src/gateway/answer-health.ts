/** `/health/live` and `/health/ready` on the main port: never authenticated, never proxied. */
import type { ClientExchange } from '../proxy/client-exchange.ts'
import type { Readiness } from './health.ts'

const LIVE_PATH = '/health/live'
const READY_PATH = '/health/ready'

/** To most servers the same. */
const LIVE_SLASH = `${LIVE_PATH}/`
const READY_SLASH = `${READY_PATH}/`

/** Where the gateway itself answers. */
export const HEALTH_PATHS: readonly string[] = [LIVE_PATH, READY_PATH, LIVE_SLASH, READY_SLASH]

const HEADERS = ['content-type', 'application/json', 'cache-control', 'no-store'] as const
const OK = '200 OK'
const UNAVAILABLE = '503 Service Unavailable'

/** Hot path: whether the gateway answers this path itself, whatever routes there are. */
export function isHealthPath(path: string): boolean {
  return path === LIVE_PATH || path === READY_PATH || path === LIVE_SLASH || path === READY_SLASH
}

/**
 * Answers any method. Live as soon as a thread can answer at all; ready as the supervisor judges,
 * with every issuer's condition in the body.
 */
export function answerHealth(exchange: ClientExchange, readiness: Readiness): void {
  if (exchange.head.path.startsWith(LIVE_PATH)) {
    exchange.answer(OK, HEADERS, '{"status":"live"}')
    return
  }
  exchange.answer(readiness.ready ? OK : UNAVAILABLE, HEADERS, JSON.stringify(readiness))
}
