/**
 * `/.well-known/jwks.json` on the main port: the public keys of internal tokens (RFC 7517 §5), for
 * the upstreams. Never authenticated, never proxied: public keys are no secret.
 */
import type { AnsweredExchange } from '../http/exchange.ts'
import type { SigningSnapshot } from '../identity/signing-keys.ts'
import type { MainEndpoint } from './main-endpoint.ts'

const JWKS_PATH = '/.well-known/jwks.json'
const OK = '200 OK'
const METHOD_NOT_ALLOWED = '405 Method Not Allowed'

/** Takes any method, so that no upstream can answer in its place. */
export function jwksEndpoint(keys: () => SigningSnapshot): MainEndpoint {
  return {
    kind: 'own',
    path: JWKS_PATH,
    hasMembers: false,
    takes: () => true,
    answer: (exchange) => answerJwks(exchange, keys()),
  }
}

/** Answers GET and HEAD; anything else is 405 (RFC 9110 §15.5.6). */
function answerJwks(exchange: AnsweredExchange, keys: SigningSnapshot): void {
  const { method } = exchange.head
  if (method !== 'GET' && method !== 'HEAD') {
    exchange.answer(METHOD_NOT_ALLOWED, ['allow', 'GET, HEAD'], '')
    return
  }
  const headers = [
    'content-type',
    'application/jwk-set+json',
    'cache-control',
    `public, max-age=${keys.jwksMaxAgeSeconds}`,
  ]
  exchange.answer(OK, headers, keys.jwks)
}
