/**
 * Sessions for login services that should not touch Redis: create, read, list by user, delete.
 *
 *     POST   /sessions             {"userId": "…", …}    201 with the id, which is told only here
 *     GET    /sessions?userId=…                          those of a user, by digest
 *     GET    /sessions/<id or sha256:digest>
 *     DELETE /sessions/<id or sha256:digest>
 *     DELETE /sessions?userId=…                          ends all of a user
 *
 * The digest is what upstreams see in `X-Session-Id`, so that an operator can end a session that
 * appears in a log.
 */
import { IDENTITY_PARTS, LIST_PARTS, TEXT_PARTS } from '../protocol/identity-parts.ts'
import { KEPT_LENGTH_MAX } from '../protocol/kept-claims.ts'
import { readStoredUser, type StoredUser } from '../protocol/stored-user.ts'
import { isJsonObject, type JsonObject } from '../protocol/strict-json.ts'
import { isSessionId, sessionDigest } from '../verifiers/session/session-key.ts'
import type {
  RegisteredSession,
  SessionName,
  SessionRegistry,
} from '../verifiers/session/session-registry.ts'
import { type AdminRequest, type Answer, json, methodNotAllowed, problem } from './answer.ts'

const ALLOWED = 'GET, HEAD, POST, DELETE'
const DIGEST = /^sha256:([0-9a-f]{64})$/
const TEXT_LENGTH_MAX = 512
const LIST_LENGTH_MAX = 256
const MEMBERS: ReadonlySet<string> = new Set([
  'userId',
  ...IDENTITY_PARTS.map(({ record }) => record),
  'claims',
])

const UNAVAILABLE = problem(
  503,
  'Session store unavailable',
  'The session store did not answer. Nothing is known to have changed.',
)
const NOT_FOUND = problem(404, 'No such session', 'There is no session of this name, or no more.')
const NO_DIGESTS = problem(
  400,
  'Invalid request',
  'Digests name sessions only with sessions.keyHash: sha256. Name it by its id, or by its user.',
)
const NO_USER = problem(400, 'Invalid request', 'The query must name a user: ?userId=…')

const NO_CLAIMS: JsonObject = Object.freeze({})
const BAD_CLAIMS = problem(
  400,
  'Invalid request',
  `claims must be an object of at most ${KEPT_LENGTH_MAX} characters of JSON, or left out.`,
)

export async function answerSessions(
  sessions: SessionRegistry,
  request: AdminRequest,
): Promise<Answer> {
  if (request.reference !== '') return answerOne(sessions, request)
  const { method, query } = request
  if (method === 'POST') return create(sessions, request.body)
  if (!isRead(method) && method !== 'DELETE') return methodNotAllowed('/sessions', ALLOWED)
  const users = query.getAll('userId')
  const [userId = ''] = users
  if (users.length !== 1 || !isText(userId)) return NO_USER
  const about = { kind: 'user', digest: sessionDigest(userId) }
  if (isRead(method)) return { ...list(await sessions.listByUser(userId)), about }
  const deleted = await sessions.deleteByUser(userId)
  return { ...(deleted === 'unavailable' ? UNAVAILABLE : json(200, { deleted })), about }
}

async function answerOne(
  sessions: SessionRegistry,
  { method, reference }: AdminRequest,
): Promise<Answer> {
  const named = parseName(reference)
  if (named === null) {
    return problem(400, 'Invalid request', 'A session is named by its id, or by sha256:<digest>.')
  }
  // Not 404: a client that wants to end a session must not take it to be gone.
  if (named.kind === 'digest' && !sessions.knowsDigests) return NO_DIGESTS
  const digest = named.kind === 'digest' ? named.digest : sessionDigest(named.id)
  const about = { kind: named.kind, digest }
  if (isRead(method)) return { ...found(await sessions.read(named)), about }
  if (method !== 'DELETE') return methodNotAllowed('/sessions/<id>', 'GET, HEAD, DELETE')
  return { ...ended(await sessions.delete(named)), about }
}

function ended(isDeleted: boolean | 'unavailable'): Answer {
  if (isDeleted === 'unavailable') return UNAVAILABLE
  return isDeleted ? json(200, { deleted: 1 }) : NOT_FOUND
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

async function create(sessions: SessionRegistry, body: AdminRequest['body']): Promise<Answer> {
  const user = parseUser(body)
  if (typeof user === 'string') return problem(400, 'Invalid request', user)
  const claims = body?.['claims'] ?? NO_CLAIMS
  if (!isJsonObject(claims) || JSON.stringify(claims).length > KEPT_LENGTH_MAX) return BAD_CLAIMS
  const created = await sessions.create(user, claims)
  if (created === 'unavailable') return UNAVAILABLE
  return { ...json(201, created), about: { kind: 'created', digest: created.digest } }
}

function found(session: RegisteredSession | null | 'unavailable'): Answer {
  if (session === 'unavailable') return UNAVAILABLE
  return session === null ? NOT_FOUND : json(200, session)
}

function list(sessions: readonly RegisteredSession[] | 'unavailable'): Answer {
  return sessions === 'unavailable' ? UNAVAILABLE : json(200, { sessions })
}

function parseName(text: string): SessionName | null {
  const digest = DIGEST.exec(text)?.[1]
  if (digest !== undefined) return { kind: 'digest', digest }
  return isSessionId(text) ? { kind: 'id', id: text } : null
}

/** @returns What is wrong, in words, when it is not a user. */
function parseUser(body: AdminRequest['body']): StoredUser | string {
  if (body === null) return 'The body must be a JSON object in application/json.'
  const unknown = Object.keys(body).find((name) => !MEMBERS.has(name))
  if (unknown !== undefined) return `The body may hold ${[...MEMBERS].join(', ')}, nothing else.`
  const { userId } = body
  if (!isText(userId)) return `userId must be text of 1 to ${TEXT_LENGTH_MAX} characters.`
  for (const { record } of TEXT_PARTS) {
    const value = body[record] ?? null
    if (value !== null && !isText(value)) return `${record} must be text, or left out.`
  }
  for (const { record } of LIST_PARTS) {
    const value = body[record]
    if (value !== undefined && !isTextList(value)) return `${record} must be a list of text.`
  }
  const user = readStoredUser(userId, body)
  return typeof user === 'string' ? `${user} is of another type.` : user
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= TEXT_LENGTH_MAX
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= LIST_LENGTH_MAX && value.every(isText)
}
