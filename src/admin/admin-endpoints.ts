/** What the admin listener answers: one row an endpoint. */
import type { Readiness } from '../gateway/health.ts'
import { type Endpoint, EndpointTable } from '../http/endpoint-table.ts'
import type { SecurityEvent } from '../observability/security-event.ts'
import type { SessionRegistry } from '../verifiers/session/session-registry.ts'
import type { EndpointAccess } from './admin-access.ts'
import { type AdminRequest, type Answer, json, methodNotAllowed, problem } from './answer.ts'
import { answerExplain, answerRefusals, type Explanations } from './explain.ts'
import type { LiveSource } from './live-sample.ts'
import { PAGE_FILES, type PageFile } from './page-files.ts'
import type { BodyType } from './read-request.ts'
import { answerReload, type ReloadReport } from './reload.ts'
import { answerBackchannelLogout, answerRevocations, type Revocations } from './revocations.ts'
import { answerSessions } from './sessions.ts'

/** Where the answers come from. */
export interface AdminSources {
  /** Prometheus text. */
  metrics(): Promise<string>
  readonly metricsContentType: string
  readiness(): Readiness
  /** Everything that an operator may know, as plain data. */
  status(): Promise<object>
  /** `null`: sessions are not configured. */
  sessions(): SessionRegistry | null
  revocations(): Revocations
  readonly explanations: Explanations
  /** Loads the configuration anew, and says what became of it. */
  reload(): Promise<ReloadReport>
  readonly live: LiveSource
  /** For the audit: who asked for what, and how it ended. */
  onAudit(event: AdminAuditEvent): void
  /** Something failed that should not have; the client has been told 500. */
  onFailure(error: unknown): void
}

export type AdminAuditEvent = Extract<SecurityEvent, { readonly peer: string | null }>

interface AdminRow extends Endpoint, EndpointAccess {}

/** Takes GET and HEAD, and answers at once: a probe must not wait for a body that never comes. */
interface AdminDocument extends AdminRow {
  readonly kind: 'document'
  answer(sources: AdminSources): Answer | Promise<Answer>
}

/** Gets a request that was read whole, and says itself which methods it takes. */
export interface AdminResource extends AdminRow {
  readonly kind: 'resource'
  /**
   * The one type of a body; any other is refused with 415. With JSON a form of a page of another
   * site fails here, too, in a browser that says nothing about where a request comes from.
   */
  readonly bodyType: BodyType
  /** Whether each call leaves a line in the security log. */
  readonly isAudited: boolean
  answer(sources: AdminSources, request: AdminRequest): Answer | Promise<Answer>
}

/** A file of the live page: tells nothing of the instance. */
interface AdminPage extends AdminRow {
  readonly kind: 'page'
  readonly file: PageFile
}

/** Answers for as long as the client stays: see event-stream.ts. */
interface AdminStream extends AdminRow {
  readonly kind: 'stream'
}

export type AdminEndpoint = AdminDocument | AdminResource | AdminPage | AdminStream

export const ADMIN_ENDPOINTS = new EndpointTable<AdminEndpoint>([
  ...PAGE_FILES.map(
    (file): AdminPage => ({
      kind: 'page',
      path: file.path,
      hasMembers: false,
      // The page asks for the token, and sends it with what it fetches.
      isOpen: true,
      isLinked: file.path === '/',
      file,
    }),
  ),
  { kind: 'stream', path: '/events', hasMembers: false, isOpen: false, isLinked: false },
  {
    kind: 'resource',
    path: '/routes',
    hasMembers: false,
    isOpen: false,
    isLinked: false,
    bodyType: 'application/json',
    isAudited: false,
    answer: ({ live }, request) => answerRoutes(live, request),
  },
  document('/metrics', false, async (sources) => {
    const body = await sources.metrics()
    return { status: 200, contentType: sources.metricsContentType, body, allow: null }
  }),
  document('/status', false, async (sources) => json(200, await sources.status())),
  // Probes carry no token; these tell no more than the main port does.
  document('/health/live', true, () => json(200, { status: 'live' })),
  document('/health/ready', true, (sources) => {
    const { ready, ...told } = sources.readiness()
    return json(ready ? 200 : 503, told)
  }),
  {
    kind: 'resource',
    path: '/sessions',
    hasMembers: true,
    isOpen: false,
    isLinked: false,
    bodyType: 'application/json',
    isAudited: true,
    answer: (sources, request) => {
      const sessions = sources.sessions()
      return sessions === null
        ? problem(404, 'No sessions', 'Sessions are not configured.')
        : answerSessions(sessions, request)
    },
  },
  {
    kind: 'resource',
    path: '/revocations',
    hasMembers: true,
    isOpen: false,
    isLinked: false,
    bodyType: 'application/json',
    isAudited: true,
    answer: (sources, request) => answerRevocations(sources.revocations(), request),
  },
  {
    kind: 'resource',
    path: '/explain',
    hasMembers: false,
    isOpen: false,
    isLinked: false,
    bodyType: 'application/json',
    isAudited: false,
    answer: ({ explanations }, request) => answerExplain(explanations, request),
  },
  {
    kind: 'resource',
    path: '/refusals',
    hasMembers: true,
    isOpen: false,
    isLinked: false,
    bodyType: 'application/json',
    isAudited: false,
    answer: ({ explanations }, request) => answerRefusals(explanations, request),
  },
  {
    kind: 'resource',
    path: '/backchannel-logout',
    hasMembers: false,
    // A logout token proves by its signature who sent it.
    isOpen: true,
    isLinked: false,
    bodyType: 'application/x-www-form-urlencoded',
    isAudited: true,
    answer: (sources, request) => answerBackchannelLogout(sources.revocations(), request),
  },
  {
    kind: 'resource',
    path: '/reload',
    hasMembers: false,
    isOpen: false,
    isLinked: false,
    bodyType: 'application/json',
    isAudited: true,
    answer: (sources, request) => answerReload(() => sources.reload(), request),
  },
])

/** `GET /routes?filter=…`: the busiest routes whose names contain it. */
function answerRoutes(live: LiveSource, { method, reference, query }: AdminRequest): Answer {
  if (reference !== '') return problem(404, 'Not found', 'Routes have no resources of their own.')
  if (method !== 'GET' && method !== 'HEAD') return methodNotAllowed('/routes', 'GET, HEAD')
  return json(200, live.routes(query.get('filter') ?? ''))
}

function document(
  path: string,
  isOpen: boolean,
  answer: (sources: AdminSources) => Answer | Promise<Answer>,
): AdminDocument {
  return { kind: 'document', path, hasMembers: false, isOpen, isLinked: false, answer }
}
