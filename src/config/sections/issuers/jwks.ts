/** `issuers.<name>.jwks`: where the public keys of an issuer come from. */
import { httpUrl, isConfidentialUrl } from '../../../http/http-url.ts'
import type { KeyRequestField } from '../../../keys/key-access.ts'
import type { ConfigPath, ReportProblem } from '../../config-error.ts'
import { ENVIRONMENT_VARIABLES, type EnvironmentReading } from '../../environment.ts'
import type { Immutable } from '../../section.ts'
import {
  checkedText,
  duration,
  flag,
  type Output,
  section,
  text,
  unlessAbsent,
} from '../../setting.ts'
import type { SettingFiles } from '../../setting-files.ts'
import { checkJwksHeaders, jwksHeadersSchema, resolveJwksHeaders } from './jwks-headers.ts'

export const jwksSchema = section(
  'Where public keys come from: exactly one of `uri`, `discovery` and `file`.',
  {
    uri: unlessAbsent(
      checkedText(
        'URL of the key set. https, unless the host is loopback or `allowInsecureHttp` is set.',
        httpUrl,
        'must be an absolute http or https URL without credentials and fragment',
      ),
    ),
    discovery: flag(
      "Take the URL from the issuer's metadata, at `/.well-known/openid-configuration` below " +
        '`issuer`, with `issuerValues.discovery` in the place of a placeholder.',
    ).prefault(false),
    file: unlessAbsent(text('File that holds the key set. Relative to the configuration file.')),
    cacheTtl: duration(
      'How long a fetched set counts as fresh. It is refreshed at the latest at 75 % of this. ' +
        '`JWKS_CACHE_TTL` wins.',
      { minimum: '1s', maximum: '24h' },
    ).prefault(`${ENVIRONMENT_VARIABLES.JWKS_CACHE_TTL.fallback}s`),
    refreshInterval: duration(
      'Time between background refreshes: how long a key that was withdrawn may stay good. ' +
        '`JWKS_REFRESH_INTERVAL` wins.',
      { minimum: '1s', maximum: '24h' },
    ).prefault(`${ENVIRONMENT_VARIABLES.JWKS_REFRESH_INTERVAL.fallback}s`),
    unknownKidCooldown: duration(
      'How long a `kid` that a fetch did not bring is known to be unknown. Fetches that tokens cause ' +
        '(unknown `kid`s, bad signatures) are bounded too: six at once, then one every sixth of ' +
        'this. While no fetch is allowed, tokens with a `kid` that was not asked about before get ' +
        '503, and so do those with a bad signature that are newer than the keys.',
      { minimum: '0s', maximum: '1h' },
    ).prefault('30s'),
    staleMaxAge: duration(
      'How old a set may become while refreshes fail. After that nothing can be decided: 503.',
      { minimum: '0s', maximum: '168h' },
    ).prefault('3600s'),
    timeout: duration('Time for one whole fetch, connect to last byte.', {
      minimum: '10ms',
      maximum: '60s',
    }).prefault('2s'),
    diskCache: unlessAbsent(
      text(
        'Directory for the last good set, so that a restart during an outage of the identity ' +
          'provider still serves. Relative to the configuration file.',
      ),
    ),
    allowInsecureHttp: flag(
      'Fetch keys over plain http from other machines. Anyone who can change that traffic can then ' +
        'forge any token.',
    ).prefault(false),
    headers: jwksHeadersSchema.prefault({}),
    alertOnStale: flag('Log a warning while operating on stale keys.').prefault(true),
  },
).transform(({ cacheTtl, refreshInterval, unknownKidCooldown, staleMaxAge, timeout, ...rest }) => ({
  ...rest,
  cacheTtlMs: cacheTtl,
  refreshIntervalMs: refreshInterval,
  unknownKidCooldownMs: unknownKidCooldown,
  staleMaxAgeMs: staleMaxAge,
  timeoutMs: timeout,
}))

export type JwksOutput = Output<typeof jwksSchema>
/** `refreshIntervalMs` is as configured: 75 % of `cacheTtlMs` is not applied here. */
export type JwksConfiguration = Immutable<
  Omit<JwksOutput, 'uri' | 'discovery' | 'file' | 'headers'> & {
    location: JwksLocation
    fields: readonly KeyRequestField[]
  }
>

/** Where the key set is: at a URL, behind the metadata of the issuer, or in a file. */
type JwksLocation =
  | { readonly kind: 'uri'; readonly uri: string }
  | { readonly kind: 'discovery' }
  | { readonly kind: 'file'; readonly file: string }

export function checkJwks(
  path: ConfigPath,
  iss: string,
  jwks: JwksOutput,
  report: ReportProblem,
): void {
  const sources = [jwks.uri !== null, jwks.discovery, jwks.file !== null].filter(Boolean).length
  if (sources !== 1) {
    report([...path, 'jwks'], 'must have exactly one of uri, discovery: true and file')
  }
  checkJwksHeaders([...path, 'jwks', 'headers'], jwks.headers, report)
  if (jwks.file !== null && Object.keys(jwks.headers).length > 0) {
    report([...path, 'jwks', 'headers'], 'is for uri and discovery: a file is not asked for')
  }
  if (jwks.uri !== null) requireConfidential([...path, 'jwks', 'uri'], jwks.uri, jwks, report)
  if (jwks.discovery) {
    if (httpUrl(iss) === null || iss.includes('?')) {
      report(
        [...path, 'issuer'],
        'must be a URL without query, because jwks.discovery starts there',
      )
    } else {
      requireConfidential([...path, 'issuer'], iss, jwks, report)
    }
  }
}

function requireConfidential(
  path: ConfigPath,
  url: string,
  { allowInsecureHttp }: JwksOutput,
  report: ReportProblem,
): void {
  if (!allowInsecureHttp && !isConfidentialUrl(url)) {
    report(path, 'must be https, or jwks.allowInsecureHttp set: keys decide who is let in')
  }
}

export function resolveJwks(
  path: ConfigPath,
  jwks: JwksOutput,
  files: SettingFiles,
  overrides: EnvironmentReading['overrides'],
): JwksConfiguration {
  const { uri, discovery: _, file, diskCache, headers, ...rest } = jwks
  return {
    ...rest,
    location: resolveLocation(path, { uri, file }, files),
    fields: resolveJwksHeaders([...path, 'headers'], headers, files),
    diskCache: diskCache === null ? null : files.absolute(diskCache),
    cacheTtlMs: overrides.jwksCacheTtlMs ?? jwks.cacheTtlMs,
    refreshIntervalMs: overrides.jwksRefreshIntervalMs ?? jwks.refreshIntervalMs,
  }
}

function resolveLocation(
  path: ConfigPath,
  { uri, file }: Pick<JwksOutput, 'uri' | 'file'>,
  files: SettingFiles,
): JwksLocation {
  if (file !== null) return { kind: 'file', file: files.readable([...path, 'file'], file) }
  return uri === null ? { kind: 'discovery' } : { kind: 'uri', uri }
}
