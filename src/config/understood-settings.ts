/**
 * As much of a document as makes sense by itself.
 *
 * One bad setting must not hide what is wrong between the others, so each issuer, upstream and
 * route is read alone, and what is well-formed is checked against the rest.
 */
import { type IssuerOutput, issuerSchema } from './issuer-settings.ts'
import { type RedisOutput, redisSchema } from './redis-settings.ts'
import { type RevocationOutput, revocationSchema } from './revocation-settings.ts'
import {
  type IdentityOutput,
  identitySchema,
  type RouteOutput,
  routeSchema,
  type UpstreamOutput,
  upstreamSchema,
} from './route-settings.ts'
import {
  type AdminOutput,
  adminSchema,
  type CacheOutput,
  cacheSchema,
  type LoggingOutput,
  loggingSchema,
  type ServerOutput,
  serverSchema,
} from './server-settings.ts'
import {
  type ApiKeysOutput,
  apiKeysSchema,
  type SessionsOutput,
  sessionsSchema,
} from './session-settings.ts'
import type { Output, Setting } from './setting.ts'
import { type TenantsOutput, tenantsSchema } from './tenant-settings.ts'

/** `null`: this part is not well-formed, and the schema has said why. */
export interface UnderstoodSettings {
  readonly server: ServerOutput | null
  readonly admin: AdminOutput | null
  readonly cache: CacheOutput | null
  readonly logging: LoggingOutput | null
  readonly identity: IdentityOutput | null
  readonly issuers: ReadonlyMap<string, IssuerOutput | null>
  readonly upstreams: ReadonlyMap<string, UpstreamOutput | null>
  readonly routes: readonly (RouteOutput | null)[]
  readonly redis: OptionalSection<RedisOutput>
  readonly sessions: OptionalSection<SessionsOutput>
  readonly apiKeys: OptionalSection<ApiKeysOutput>
  readonly revocation: RevocationOutput | null
  readonly tenants: OptionalSection<TenantsOutput>
  readonly watch: boolean
}

/** A section that may be left out. There, but `null`: it is not well-formed. */
export interface OptionalSection<Settings> {
  readonly isThere: boolean
  readonly settings: Settings | null
}

export function understand(document: unknown): UnderstoodSettings {
  const root = mapping(document)
  return {
    server: alone(serverSchema, root['server'] ?? {}),
    admin: alone(adminSchema, root['admin'] ?? {}),
    cache: alone(cacheSchema, root['cache'] ?? {}),
    logging: alone(loggingSchema, root['logging'] ?? {}),
    identity: alone(identitySchema, root['identity'] ?? {}),
    issuers: each(issuerSchema, root['issuers']),
    upstreams: each(upstreamSchema, root['upstreams']),
    routes: list(root['routes']).map((route) => alone(routeSchema, route)),
    redis: optional(redisSchema, root['redis']),
    sessions: optional(sessionsSchema, root['sessions']),
    apiKeys: optional(apiKeysSchema, root['apiKeys']),
    revocation: alone(revocationSchema, root['revocation'] ?? {}),
    tenants: optional(tenantsSchema, root['tenants']),
    watch: root['watch'] === true,
  }
}

function alone<Schema extends Setting>(schema: Schema, value: unknown): Output<Schema> | null {
  const result = schema.safeParse(value)
  return result.success ? result.data : null
}

function optional<Schema extends Setting>(
  schema: Schema,
  value: unknown,
): OptionalSection<Output<Schema>> {
  if (value === undefined || value === null) return { isThere: false, settings: null }
  return { isThere: true, settings: alone(schema, value) }
}

function each<Schema extends Setting>(
  schema: Schema,
  value: unknown,
): ReadonlyMap<string, Output<Schema> | null> {
  return new Map(Object.entries(mapping(value)).map(([name, item]) => [name, alone(schema, item)]))
}

function mapping(value: unknown): Readonly<Record<string, unknown>> {
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isMapping ? (value as Readonly<Record<string, unknown>>) : {}
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
