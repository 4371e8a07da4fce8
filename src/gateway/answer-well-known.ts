/**
 * Documents of the gateway itself at fixed paths: public, never authenticated, never proxied, and
 * readable by pages of every origin (the CORS protocol of the Fetch standard), because programs in
 * browsers find their authorization server by them.
 */
import { fieldValue } from '../protocol/header-list.ts'
import type { ClientExchange, RequestHead } from '../proxy/client-exchange.ts'

/** RFC 8615 §3. Nothing else is even looked up. */
const WELL_KNOWN_PREFIX = '/.well-known/'
const OK = '200 OK'
const NO_CONTENT = '204 No Content'
/** Long enough to take the load off, short enough for a change to be seen soon. */
const MAX_AGE_SECONDS = 300

/** One document. Its bytes are fixed when the configuration is loaded. */
export interface WellKnownDocument {
  /** Begins with `/.well-known/`. */
  readonly path: string
  /** Only for requests with this `Host`, in lower case without a port; `null`: for every one. */
  readonly host: string | null
  readonly headers: readonly string[]
  readonly body: string
}

export function jsonDocument(path: string, host: string | null, body: string): WellKnownDocument {
  const headers = [
    'content-type',
    'application/json',
    'cache-control',
    `public, max-age=${MAX_AGE_SECONDS}`,
    'access-control-allow-origin',
    '*',
  ]
  return { path, host, headers, body }
}

/** The documents of a gateway, by path. Several hosts may have one at the same path. */
export class WellKnownDocuments {
  readonly #byPath: ReadonlyMap<string, readonly WellKnownDocument[]>

  constructor(documents: readonly WellKnownDocument[]) {
    const byPath = new Map<string, WellKnownDocument[]>()
    for (const document of documents) {
      byPath.set(document.path, [...(byPath.get(document.path) ?? []), document])
    }
    this.#byPath = byPath
  }

  get paths(): readonly string[] {
    return [...this.#byPath.keys()]
  }

  /** Hot path: the document that this request asks for; `null` when it is for the routes. */
  find(head: RequestHead): WellKnownDocument | null {
    const { path, host } = head
    if (!path.startsWith(WELL_KNOWN_PREFIX)) return null
    const documents = this.#byPath.get(path)
    if (documents === undefined || !isAboutDocument(head)) return null
    return documents.find((one) => one.host === null || one.host === host) ?? null
  }
}

export function answerWellKnown(exchange: ClientExchange, document: WellKnownDocument): void {
  if (exchange.head.method === 'OPTIONS') exchange.answer(NO_CONTENT, PREFLIGHT_ANSWER, '')
  else exchange.answer(OK, document.headers, document.body)
}

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

/** To read it, or a browser's question whether a page may. */
function isAboutDocument({ method, headers }: RequestHead): boolean {
  if (method === 'GET' || method === 'HEAD') return true
  return method === 'OPTIONS' && fieldValue(headers, 'access-control-request-method') !== null
}
