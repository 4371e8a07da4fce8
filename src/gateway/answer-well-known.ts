/**
 * Documents of the gateway itself at fixed paths: public, never authenticated, never proxied, and
 * readable by pages of every origin (the CORS protocol of the Fetch standard), because programs in
 * browsers find their authorization server by them.
 */
import type { AnsweredExchange, RequestHead } from '../http/exchange.ts'
import { fieldValue } from '../http/header-list.ts'
import type { MainEndpoint } from './main-endpoint.ts'

const OK = '200 OK'
const NO_CONTENT = '204 No Content'
/** Long enough to take the load off, short enough for a change to be seen soon. */
const MAX_AGE_SECONDS = 300

const PREFLIGHT_ANSWER = [
  'access-control-allow-origin',
  '*',
  'access-control-allow-methods',
  'GET, HEAD',
  // A client may say which version of its protocol it speaks; nothing of it is read.
  'access-control-allow-headers',
  '*',
  'access-control-max-age',
  String(MAX_AGE_SECONDS),
]

/**
 * A document whose bytes are fixed when the configuration is loaded.
 *
 * @param host Only for requests with this `Host`, in lower case without a port; `null`: for every
 *   one.
 */
export function documentEndpoint(path: string, host: string | null, body: string): MainEndpoint {
  const headers = [
    'content-type',
    'application/json',
    'cache-control',
    `public, max-age=${MAX_AGE_SECONDS}`,
    'access-control-allow-origin',
    '*',
  ]
  return {
    kind: 'own',
    path,
    hasMembers: false,
    takes: (head) => isAboutDocument(head) && (host === null || host === head.host),
    answer: (exchange: AnsweredExchange) => {
      if (exchange.head.method === 'OPTIONS') exchange.answer(NO_CONTENT, PREFLIGHT_ANSWER, '')
      else exchange.answer(OK, headers, body)
    },
  }
}

/** To read it, or a browser's question whether a page may. */
function isAboutDocument({ method, headers }: RequestHead): boolean {
  if (method === 'GET' || method === 'HEAD') return true
  return method === 'OPTIONS' && fieldValue(headers, 'access-control-request-method') !== null
}
