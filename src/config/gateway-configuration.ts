/**
 * The configuration as the rest of the gateway receives it: checked, complete and immutable.
 *
 * Plain values only, so that it can be handed to another thread. Durations are milliseconds,
 * paths of files are absolute, and what comes from files and the environment is already in it.
 */
import type { ClaimNames } from '../protocol/claims.ts'
import type { PartNames } from '../protocol/identity-parts.ts'
import type { JwsAlgorithm } from '../protocol/jws-algorithms.ts'
import type { StoredUser } from '../protocol/stored-user.ts'
import type { AuthenticatorName } from './authenticator-checks.ts'
import type { Tuning } from './environment.ts'
import type { IdentityConfiguration, IdentityStrategyName } from './identity-configuration.ts'
import type { ClaimRequirementSettings } from './requirement-settings.ts'
import type { SessionFormatName } from './session-formats.ts'

export interface GatewayConfiguration {
  readonly server: ServerConfiguration
  readonly admin: AdminConfiguration
  readonly cache: CacheConfiguration
  /** In the order of the file; names are unique. */
  readonly issuers: readonly IssuerConfiguration[]
  /** `null`: nothing uses Redis. */
  readonly redis: RedisConfiguration | null
  readonly sessions: SessionsConfiguration | null
  readonly apiKeys: ApiKeysConfiguration | null
  readonly revocation: RevocationConfiguration
  /** `null`: there are no tenants. */
  readonly tenants: TenantsConfiguration | null
  readonly identity: IdentityConfiguration
  readonly upstreams: readonly UpstreamConfiguration[]
  /** The first that matches wins. */
  readonly routes: readonly RouteConfiguration[]
  readonly logging: LoggingConfiguration
  /** Load the file again when it changes. */
  readonly watch: boolean
  /** Sizes of pools, from the environment. */
  readonly tuning: Tuning
}

export interface ServerConfiguration {
  readonly host: string
  /** 0: the system chooses. */
  readonly port: number
  /** IP addresses and CIDR ranges. */
  readonly trustedProxies: readonly string[]
  readonly tls: TlsConfiguration | null
  readonly limits: LimitsConfiguration
  readonly drain: { readonly delayMs: number; readonly timeoutMs: number }
}

export interface TlsConfiguration {
  readonly certFile: string
  readonly keyFile: string
}

export interface LimitsConfiguration {
  readonly headers: number
  readonly headerBytes: number
  readonly urlBytes: number
  readonly bodyBytes: number
  readonly tokenBytes: number
}

export interface AdminConfiguration {
  readonly host: string
  readonly port: number
  /** Never `null` when the host is not loopback. */
  readonly token: string | null
}

export interface CacheConfiguration {
  readonly sizeMiB: number
  /** 0: refusals are not remembered. */
  readonly refusalTtlMs: number
}

export interface IssuerConfiguration {
  /** Name in the file, for logs and metrics. */
  readonly name: string
  /** What `iss` must be. No two issuers share it. */
  readonly issuer: string
  /** At least one. */
  readonly audiences: readonly string[]
  /** At least one; all symmetric or all asymmetric. */
  readonly algorithms: readonly JwsAlgorithm[]
  /** Whole seconds. */
  readonly clockToleranceSeconds: number
  readonly requiredClaims: readonly string[]
  /** As written: case does not matter. A token without `typ` counts as `JWT`. */
  readonly types: readonly string[]
  readonly keys: IssuerKeysConfiguration
  readonly claims: ClaimNames
  /** `null`: only its JWTs are known here. */
  readonly introspection: IntrospectionConfiguration | null
  readonly logoutAudiences: readonly string[]
  readonly logoutRevokes: 'subject' | 'session'
  /** Longest life of its tokens; `null`: that of all, and tokens without `exp` have no end. */
  readonly credentialLifeMaxSeconds: number | null
}

export interface IntrospectionConfiguration {
  readonly endpoint: string
  readonly clientId: string
  readonly clientKey: ClientKeyConfiguration
  readonly requireAudience: boolean
  /** All attempts together. */
  readonly timeoutMs: number
  readonly attempts: number
  readonly retryDelayMs: number
  /** Whole seconds, like the next two. */
  readonly cacheTtlMs: number
  readonly inactiveTtlMs: number
  readonly staleMaxAgeMs: number
  readonly onOutage: 'use-cached-or-reject' | 'reject-all' | 'pass-through'
  readonly circuitBreaker: {
    readonly failureThreshold: number
    readonly recoveryTimeoutMs: number
    readonly halfOpenRequests: number
  }
}

/** How the gateway proves to an issuer who it is. */
export type ClientKeyConfiguration =
  | { readonly method: 'client_secret_basic'; readonly clientSecret: string }
  | { readonly method: 'client_secret_post'; readonly clientSecret: string }
  | {
      readonly method: 'private_key_jwt'
      /** PEM. */
      readonly privateKey: string
      readonly keyId: string | null
    }

export interface RedisConfiguration {
  readonly mode: 'standalone' | 'sentinel' | 'cluster'
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
  readonly masterName: string
  readonly database: number
  readonly username: string | null
  readonly password: string | null
  readonly sentinelUsername: string | null
  readonly sentinelPassword: string | null
  /** `null`: plain TCP. */
  readonly tls: { readonly ca: string | null; readonly serverName: string | null } | null
  readonly connectTimeoutMs: number
  readonly commandTimeoutMs: number
  /** Of one session or API key. */
  readonly recordBytesMax: number
  readonly readFromReplicas: boolean
}

export interface SessionsConfiguration {
  readonly store: 'redis' | 'memory'
  readonly format: SessionFormatName
  readonly cookie: string
  readonly cookiePath: string
  /** At least one in a format whose cookies are signed, none in others. */
  readonly secrets: readonly string[]
  readonly keyPrefix: string
  readonly keyHash: 'sha256' | 'none'
  /** `null`: sessions are not prolonged here. Never in the gateway's own format. */
  readonly ttlSeconds: number | null
  readonly absoluteTtlSeconds: number
  /** Whether it bounds sessions that do not say when they began, from their first sight on. */
  readonly keepsAbsoluteTtl: boolean
  /** Origins in their one spelling. */
  readonly allowedOrigins: readonly string[]
  readonly pointers: PartNames & { readonly userId: string; readonly createdAt: string | null }
}

export interface ApiKeysConfiguration {
  /** In lower case. */
  readonly header: string
  readonly keys: readonly ApiKeyConfiguration[]
  readonly redis: boolean
  readonly keyPrefix: string
}

export interface ApiKeyConfiguration extends StoredUser {
  /** In lower case. */
  readonly sha256: string
  /** NumericDate; `null`: never. */
  readonly expiresAt: number | null
}

export interface RevocationConfiguration {
  /** Never true without a `redis` section. */
  readonly redis: boolean
  readonly keyPrefix: string
  /** Absolute. `null`: what Redis has not taken when the process ends is lost. */
  readonly spoolDirectory: string | null
  /** Longest life of a token whose issuer has no other. */
  readonly tokenLifeMaxSeconds: number
  /** The same of any credential, sessions included. */
  readonly credentialLifeMaxSeconds: number
  readonly capacity: number
  /** What is done with good credentials before it is known what others revoked. */
  readonly beforeReady: 'refuse' | 'serve'
}

export interface TenantsConfiguration {
  /** At least one; patterns are judged, names of headers in lower case. */
  readonly resolve: readonly TenantSourceConfiguration[]
  readonly required: boolean
  readonly allowTokensWithoutTenant: boolean
  readonly registry: readonly TenantConfiguration[]
  readonly redis: boolean
  readonly key: string
  readonly refreshIntervalMs: number
  readonly staleMaxAgeMs: number
}

export type TenantSourceConfiguration =
  | { readonly from: 'subdomain'; readonly pattern: string }
  | { readonly from: 'path'; readonly pattern: string }
  | { readonly from: 'header'; readonly name: string }
  | { readonly from: 'claim' }

export interface TenantConfiguration {
  readonly name: string
  readonly status: 'active' | 'suspended'
  readonly plan: string | null
  /** Names of issuers that exist. */
  readonly issuers: readonly string[]
  /** Origins in their one spelling. */
  readonly allowedOrigins: readonly string[]
  /** Name of an upstream that exists. */
  readonly upstream: string | null
}

/** `none`: tokens of this issuer are introspected only. */
export type IssuerKeysConfiguration =
  | { readonly kind: 'none' }
  | { readonly kind: 'secret'; readonly secret: Uint8Array }
  | ({ readonly kind: 'jwks' } & JwksConfiguration)

/** Where the key set is: at a URL, behind the metadata of the issuer, or in a file. */
export type JwksLocation =
  | { readonly kind: 'uri'; readonly uri: string }
  | { readonly kind: 'discovery' }
  | { readonly kind: 'file'; readonly file: string }

export interface JwksConfiguration {
  readonly location: JwksLocation
  readonly cacheTtlMs: number
  /** As configured: 75 % of `cacheTtlMs` is not applied here. */
  readonly refreshIntervalMs: number
  readonly unknownKidCooldownMs: number
  readonly staleMaxAgeMs: number
  readonly timeoutMs: number
  /** Directory, or `null` for none. */
  readonly diskCache: string | null
  readonly allowInsecureHttp: boolean
  readonly alertOnStale: boolean
}

export interface UpstreamConfiguration {
  readonly name: string
  /** Origins in their one spelling, at least one, each once. */
  readonly targets: readonly string[]
  readonly connectTimeoutMs: number
  readonly responseTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly ejectAfterFailures: number
  readonly probeIntervalMs: number
  /** From 0 to 1. */
  readonly retryBudget: number
  readonly caseSensitive: boolean
}

export interface RouteConfiguration {
  readonly name: string
  readonly match: {
    readonly path: string
    /** In lower case; may start with `*.`. `null`: any host. */
    readonly host: string | null
    /** Empty: every method. With `HEAD` where there is `GET`. */
    readonly methods: readonly string[]
  }
  /** Name of an upstream that exists. */
  readonly upstream: string
  /** Whether every service that may get its requests tells paths of different case apart. */
  readonly caseSensitive: boolean
  /** `required` is what a list of authenticators means. */
  readonly authenticate: 'none' | 'optional' | 'required'
  /** In the order in which their credentials are looked for. Empty only for `none`. */
  readonly authenticators: readonly AuthenticatorName[]
  /** Names of issuers that exist. */
  readonly issuers: readonly string[]
  readonly require: RequirementConfiguration
  /** `none` where there are no tenants. */
  readonly tenant: 'required' | 'optional' | 'none'
  readonly identity: IdentityStrategyName
  /** At least one. */
  readonly credentials: readonly CredentialSourceConfiguration[]
  readonly resourceMetadata: string | null
  /** Identifier of the protected resource: an absolute URL without query and fragment. */
  readonly resource: string | null
  readonly loginRedirect: LoginRedirectConfiguration | null
  /** `shadow`: refusals are reported and take no effect. */
  readonly mode: 'enforce' | 'shadow'
}

export interface LoginRedirectConfiguration {
  /** An absolute http or https URL, or an absolute path; without fragment. */
  readonly url: string
  readonly returnParameter: string
}

export interface RequirementConfiguration {
  readonly scopesAll: readonly string[]
  readonly scopesAny: readonly string[]
  readonly rolesAll: readonly string[]
  readonly rolesAny: readonly string[]
  readonly claims: readonly ClaimRequirementSettings[]
  /** Names of issuers that exist. */
  readonly issuers: readonly string[]
}

export type CredentialSourceConfiguration =
  | {
      readonly kind: 'header'
      /** In lower case. */
      readonly name: string
      /** Word before the token, without the space; `null`: the whole value is the token. */
      readonly scheme: string | null
    }
  | { readonly kind: 'cookie'; readonly name: string }
  | { readonly kind: 'query'; readonly name: string }

export interface LoggingConfiguration {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** For lines that wait to be written. */
  readonly bufferKiB: number
  readonly accessLog: {
    readonly enabled: boolean
    /** Share of the requests answered below 500, from 0 to 1. */
    readonly sampling: number
    /** The same for answers of 500 and above. */
    readonly failureSampling: number
  }
}
