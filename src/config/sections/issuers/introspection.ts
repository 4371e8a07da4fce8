/** `issuers.<name>.introspection`: asking the issuer about opaque tokens (RFC 7662). */
import { httpUrl, isConfidentialUrl } from '../../../http/http-url.ts'
import { signingAlgorithmOf } from '../../../protocol/key-algorithms.ts'
import type { ConfigPath, ReportProblem } from '../../config-error.ts'
import { NO_PRIVATE_KEY, privateKeyIn } from '../../pem.ts'
import { checkSecret, resolveSecret } from '../../secret-setting.ts'
import type { Immutable } from '../../section.ts'
import {
  checkedText,
  duration,
  flag,
  type Output,
  oneOf,
  secretText,
  section,
  text,
  unlessAbsent,
  wholeNumber,
} from '../../setting.ts'
import type { SettingFiles } from '../../setting-files.ts'

const MS_PER_SECOND = 1_000

const circuitBreaker = section(
  'Spares an endpoint that fails, and the requests that would wait for it. One for all threads.',
  {
    failureThreshold: wholeNumber('Failed attempts in a row after which no more are made.', {
      minimum: 1,
      maximum: 255,
    }).prefault(5),
    recoveryTimeout: duration(
      'Time until requests of clients try the endpoint again. Meanwhile the gateway itself asks it ' +
        'about a random token, every 500 ms at first and every 5 s later, and only while ' +
        'requests come; once it answers, they pass.',
      {
        minimum: '100ms',
        maximum: '10m',
      },
    ).prefault('30s'),
    halfOpenRequests: wholeNumber('Attempts that must succeed then, at most so many at a time.', {
      minimum: 1,
      maximum: 100,
    }).prefault(2),
  },
).transform(({ recoveryTimeout, ...rest }) => ({ ...rest, recoveryTimeoutMs: recoveryTimeout }))

export const introspectionSchema = section(
  'Ask the issuer about tokens that are not JWTs of a known issuer (RFC 7662). Routes ask for it ' +
    'with `introspection`.',
  {
    endpoint: checkedText(
      'URL of the endpoint. https, unless the host is loopback or `allowInsecureHttp` is set.',
      httpUrl,
      'must be an absolute http or https URL without credentials and fragment',
    ),
    allowInsecureHttp: flag(
      'Send tokens and the secret over plain http to other machines. Anyone who can see that ' +
        'traffic then has them.',
    ).prefault(false),
    clientId: text('Name of this gateway at the issuer.'),
    clientSecret: unlessAbsent(
      secretText(`Its secret. Take it from the environment, as \${NAME}.`),
    ),
    clientSecretFile: unlessAbsent(
      text('File that holds the secret instead. Relative to the configuration file.'),
    ),
    privateKeyFile: unlessAbsent(
      text('PEM file of its private key, for `private_key_jwt`. Relative to this file.'),
    ),
    privateKeyId: unlessAbsent(text('`kid` of that key at the issuer.')),
    clientAuthentication: oneOf('How this gateway proves who it is (OpenID Connect Core §9).', [
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
    ]).prefault('client_secret_basic'),
    requireAudience: flag(
      'Refuse an answer without `aud`. RFC 7662 lets issuers leave it out, because they answer ' +
        'to this gateway about tokens for it; an `aud` that is there is always checked.',
    ).prefault(false),
    timeout: duration('Time for all attempts together.', {
      minimum: '10ms',
      maximum: '30s',
    }).prefault('500ms'),
    attempts: wholeNumber('Attempts at most.', { minimum: 1, maximum: 10 }).prefault(2),
    retryDelay: duration('Time between attempts.', { minimum: '0s', maximum: '10s' }).prefault(
      '50ms',
    ),
    cacheTtl: duration(
      'How long an active token counts as active without asking again: how long one that was ' +
        'revoked may stay good.',
      { minimum: '1s', maximum: '1h' },
    ).prefault('30s'),
    inactiveTtl: duration('How long an inactive token is refused without asking again.', {
      minimum: '0s',
      maximum: '60s',
    }).prefault('10s'),
    onOutage: oneOf(
      'What happens when the endpoint cannot be asked. `use-cached-or-reject`: the last answer ' +
        'counts while it is at most `staleMaxAge` old, otherwise 503. `reject-all`: 503. ' +
        '`pass-through`: the request goes on without an identity, marked with ' +
        '`X-Auth-Status: unverified`; needs `iUnderstand: true`.',
      ['use-cached-or-reject', 'reject-all', 'pass-through'],
    ).prefault('use-cached-or-reject'),
    iUnderstand: flag(
      'Confirms `onOutage: pass-through`: anyone who can make the endpoint fail can then send ' +
        'unauthenticated requests upstream.',
    ).prefault(false),
    staleMaxAge: duration('How old an answer may be that is used during an outage.', {
      minimum: '0s',
      maximum: '24h',
    }).prefault('300s'),
    circuitBreaker: circuitBreaker.prefault({}),
  },
).transform(({ timeout, retryDelay, cacheTtl, inactiveTtl, staleMaxAge, ...rest }) => ({
  ...rest,
  timeoutMs: timeout,
  retryDelayMs: retryDelay,
  cacheTtlMs: cacheTtl,
  inactiveTtlMs: inactiveTtl,
  staleMaxAgeMs: staleMaxAge,
}))

type IntrospectionOutput = Output<typeof introspectionSchema>
export type IntrospectionConfiguration = Immutable<ReturnType<typeof resolveIntrospection>>

/** How the gateway proves to an issuer who it is. */
type ClientKeyConfiguration =
  | { readonly method: 'client_secret_basic'; readonly clientSecret: string }
  | { readonly method: 'client_secret_post'; readonly clientSecret: string }
  | {
      readonly method: 'private_key_jwt'
      /** PEM. */
      readonly privateKey: string
      readonly keyId: string | null
    }

/** Checks one well-formed section. Opens no file. */
export function checkIntrospection(
  path: ConfigPath,
  settings: IntrospectionOutput,
  report: ReportProblem,
): void {
  if (!settings.allowInsecureHttp && !isConfidentialUrl(settings.endpoint)) {
    report(
      [...path, 'endpoint'],
      'must be https, or allowInsecureHttp set: tokens and the secret are sent there',
    )
  }
  checkClientKey(path, settings, report)
  if (settings.onOutage === 'pass-through' && !settings.iUnderstand) {
    report(
      [...path, 'iUnderstand'],
      'must be true for onOutage: pass-through, which lets unverified requests reach the upstream',
    )
  }
  for (const [setting, ms] of [
    ['cacheTtl', settings.cacheTtlMs],
    ['inactiveTtl', settings.inactiveTtlMs],
    ['staleMaxAge', settings.staleMaxAgeMs],
  ] as const) {
    if (ms % MS_PER_SECOND !== 0) report([...path, setting], 'must be whole seconds')
  }
}

function checkClientKey(
  path: ConfigPath,
  settings: IntrospectionOutput,
  report: ReportProblem,
): void {
  const { clientSecret, clientSecretFile, privateKeyFile, clientAuthentication } = settings
  checkSecret(path, 'clientSecret', settings, report)
  const hasSecret = clientSecret !== null || clientSecretFile !== null
  if (clientAuthentication === 'private_key_jwt') {
    if (privateKeyFile === null) {
      report([...path, 'privateKeyFile'], 'is required for private_key_jwt')
    }
    if (hasSecret) report([...path, 'clientSecret'], 'is not used with private_key_jwt')
    return
  }
  if (!hasSecret) {
    report([...path, 'clientSecret'], `or clientSecretFile is required`)
  }
  if (privateKeyFile !== null) {
    report([...path, 'privateKeyFile'], 'is only for private_key_jwt')
  }
}

export function resolveIntrospection(
  path: ConfigPath,
  settings: IntrospectionOutput,
  files: SettingFiles,
) {
  const { endpoint, clientId, requireAudience, timeoutMs, attempts, retryDelayMs } = settings
  const { cacheTtlMs, inactiveTtlMs, staleMaxAgeMs, onOutage, circuitBreaker } = settings
  return {
    endpoint,
    clientId,
    clientKey: resolveClientKey(path, settings, files),
    requireAudience,
    timeoutMs,
    attempts,
    retryDelayMs,
    cacheTtlMs,
    inactiveTtlMs,
    staleMaxAgeMs,
    onOutage,
    circuitBreaker,
  }
}

/** What is missing altogether has been reported; it is empty here. */
function resolveClientKey(
  path: ConfigPath,
  settings: IntrospectionOutput,
  files: SettingFiles,
): ClientKeyConfiguration {
  const { clientAuthentication: method } = settings
  if (method === 'private_key_jwt') {
    const { privateKeyFile, privateKeyId } = settings
    const at = [...path, 'privateKeyFile']
    const pem = privateKeyFile && files.content(at, privateKeyFile)?.toString('utf8')
    const problem = pem ? signingKeyProblem(pem) : null
    if (problem !== null) files.report(at, problem)
    return { method, privateKey: pem ?? '', keyId: privateKeyId }
  }
  const secret = resolveSecret(path, 'clientSecret', settings, files)
  return { method, clientSecret: secret?.bytes.toString('utf8') ?? '' }
}

/** @returns `null` when a JWT can be signed with it. */
function signingKeyProblem(pem: string): string | null {
  const key = privateKeyIn(pem)
  if (key === null) return NO_PRIVATE_KEY
  return signingAlgorithmOf(key) === null
    ? 'holds a key that signs no JWT: RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519'
    : null
}
