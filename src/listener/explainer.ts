/**
 * Explains requests in a listener thread, or in a process that was composed like one. A described
 * request is read by the server's own reader, so that what the server refuses is refused here.
 */
import { explainRequest, type ReadQuestion } from '../gateway/explain-request.ts'
import type { ExplainQuestion, Explanation } from '../gateway/explanation.ts'
import { canonicalPathWith, isAcceptableQuery } from '../http/canonical-path.ts'
import { hostWithoutPort } from '../http/host-header.ts'
import { isMethodToken } from '../http/methods.ts'
import { quoted } from '../protocol/trace.ts'
import {
  type RequestLimits,
  type RequestRules,
  RequestSnapshotReader,
  type ServerRefusal,
} from '../server/request-snapshot.ts'
import type { ListenerParts } from './compose.ts'

const DEFAULT_HOST = 'localhost'
const ABSOLUTE = /^https?:\/\/([^/?#]*)([^#]*)/i

export interface ExplainerParts {
  /** Of the revision that requests begin under now; asked anew each time. */
  readonly current: () => Pick<ListenerParts, 'revision' | 'peeking'>
  readonly requestLimits: RequestLimits
  /** Names of fields that are kept: `server.keepHeaders`. */
  readonly keptFields: ReadonlySet<string>
}

export class Explainer {
  readonly #parts: ExplainerParts

  constructor(parts: ExplainerParts) {
    this.#parts = parts
  }

  async explain(question: ExplainQuestion): Promise<Explanation> {
    const { requestLimits, keptFields } = this.#parts
    const { revision, peeking } = this.#parts.current()
    const { keptForms, methods } = revision.routes
    const rules = { keptFields, keptForms: () => keptForms, methods, ignoresHandshake }
    // Like a request: what the revision needs stays until it is over.
    revision.use.begin()
    try {
      return await explainRequest(revision, read(question, requestLimits, rules), peeking)
    } finally {
      revision.use.end()
    }
  }
}

/** Of requests for routes, which are explained. */
const ignoresHandshake = () => false

interface ExplainRules extends RequestRules {
  /** Those that some route takes. */
  readonly methods: ReadonlySet<string>
}

function read(question: ExplainQuestion, limits: RequestLimits, rules: ExplainRules): ReadQuestion {
  const { method } = question
  if (!isMethodToken(method)) {
    const problem = `method ${quoted(method)} is no word`
    return { question, head: 'request_malformed', problem }
  }
  if (!rules.methods.has(method)) {
    const problem = `method ${quoted(method)} is none of ${[...rules.methods].join(', ')}`
    return { question, head: 'method_unknown', problem }
  }
  const { path, query, host } = targetOf(question)
  const fields = fieldsOf(question, host)
  const request = {
    getUrl: () => path,
    getQuery: () => query,
    getHeader: (name: string) => fields.find(([own]) => own === name)?.[1] ?? '',
    forEach: (onField: (name: string, value: string) => void) => {
      for (const [name, value] of fields) onField(name, value)
    },
  }
  const head = new RequestSnapshotReader(limits, rules).read(method, request)
  if (typeof head !== 'string') return { question, head, problem: null }
  return { question, head, problem: problemWith(head, path, query ?? '', fields, rules) }
}

function targetOf({ url, host }: ExplainQuestion) {
  const absolute = ABSOLUTE.exec(url)
  const authority = host ?? absolute?.[1] ?? null
  const target = absolute === null ? url : absolute[2] || '/'
  const mark = target.indexOf('?')
  return {
    path: mark === -1 ? target : target.slice(0, mark),
    query: mark === -1 ? undefined : target.slice(mark + 1),
    host: authority,
  }
}

type Fields = readonly (readonly [string, string])[]

/** A field that a client always sends is there, unless it was described. */
function fieldsOf({ headers, body }: ExplainQuestion, host: string | null): Fields {
  const fields: [string, string][] = []
  for (let index = 0; index + 1 < headers.length; index += 2) {
    fields.push([(headers[index] ?? '').toLowerCase(), headers[index + 1] ?? ''])
  }
  const has = (name: string) => fields.some(([own]) => own === name)
  if (host !== null || !has('host')) fields.unshift(['host', host ?? DEFAULT_HOST])
  if (body !== null && !has('content-length')) {
    fields.push(['content-length', String(Buffer.byteLength(body))])
  }
  return fields
}

/** Which part the server does not take. Never shows a value: any of them may be a credential. */
function problemWith(
  refusal: ServerRefusal,
  path: string,
  query: string,
  fields: Fields,
  { keptForms }: RequestRules,
): string | null {
  if (refusal !== 'request_malformed') return null
  if (!path.startsWith('/')) return `the path ${quoted(path)} does not begin with "/"`
  if (canonicalPathWith(path, keptForms()) === null) {
    return `the path ${quoted(path)} has dot segments, an empty one, or an encoding that is refused`
  }
  if (!isAcceptableQuery(query)) return 'the query has characters that must be percent-encoded'
  const hosts = fields.filter(([name]) => name === 'host')
  if (hosts.length > 1) return 'there are two Host fields'
  if (hostWithoutPort(hosts[0]?.[1] ?? '') === null) return 'Host is no name with or without a port'
  return 'a field has characters that are refused, is repeated, or frames the body in doubt'
}
