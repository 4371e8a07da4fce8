/**
 * The whole configuration file: every setting with its default, limits and reason.
 *
 * The manual and the JSON Schema for editors are generated from here.
 */
import { issuersSchema } from './issuer-settings.ts'
import { redisSchema } from './redis-settings.ts'
import { revocationSchema } from './revocation-settings.ts'
import { identitySchema, routesSchema, upstreamsSchema } from './route-settings.ts'
import { adminSchema, cacheSchema, loggingSchema, serverSchema } from './server-settings.ts'
import { apiKeysSchema, sessionsSchema } from './session-settings.ts'
import { flag, jsonSchemaOf, section, unlessAbsent } from './setting.ts'
import { tenantsSchema } from './tenant-settings.ts'

export const configurationSchema = section(
  'Configuration of Sallyport. Only `issuers`, `upstreams` and `routes` are needed to start.',
  {
    server: serverSchema.prefault({}),
    admin: adminSchema.prefault({}),
    cache: cacheSchema.prefault({}),
    redis: unlessAbsent(redisSchema),
    issuers: issuersSchema.prefault({}),
    sessions: unlessAbsent(sessionsSchema),
    apiKeys: unlessAbsent(apiKeysSchema),
    revocation: revocationSchema.prefault({}),
    tenants: unlessAbsent(tenantsSchema),
    identity: identitySchema.prefault({}),
    upstreams: upstreamsSchema,
    routes: routesSchema,
    logging: loggingSchema.prefault({}),
    watch: flag(
      'Load the file again when it changes. Not available in this version: when it is set, `check` ' +
        'and the gateway at its start say so, and it changes nothing.',
    ).prefault(false),
  },
)

/** The JSON Schema (2020-12) of the file, for editors. */
export function configurationJsonSchema(): Record<string, unknown> {
  return { title: 'Sallyport configuration', ...jsonSchemaOf(configurationSchema) }
}
