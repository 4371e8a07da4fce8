/** `rateLimits`: how often a route may be asked, and how often a guess may fail. */
import { burstByDefault } from '../../resilience/own-rate.ts'
import type { Rate } from '../../resilience/rate.ts'
import type { ReportProblem } from '../config-error.ts'
import { rateSettings } from '../rate-settings.ts'
import { allOf, eachNamed, type Immutable, type NamedSettings, type Section } from '../section.ts'
import {
  duration,
  flag,
  listOf,
  nullable,
  type Output,
  patternText,
  section,
  unlessAbsent,
  wholeNumber,
} from '../setting.ts'
import type { RedisSettings } from './redis.ts'

/** A count of failures has that many bits in its cell: rate-limit/layout.ts. */
const THRESHOLD_MAX = 1_000
const LOCKED_OUT_STATUS = { minimum: 400, maximum: 499 }
/** What counts as the name of a caller, where a limit of users does not say. */
const FIELD_DEFAULT = 'username'

const fleet = nullable(
  flag(
    'Whether all instances count together, in Redis. Without an answer of Redis each counts for ' +
      'itself. Left out: as `fleet` of the whole limit says.',
  ),
)

const field = unlessAbsent(
  patternText(
    'Member of a JSON body, or field of a form, that names the user. Requests with a body that ' +
      'does not name exactly one, within 64 KiB, are refused with 400. Left out: `username`.',
    /^[A-Za-z0-9_.-]{1,64}$/,
    'must be 1 to 64 letters, digits, dots, _ and -',
  ),
)

/** The one form that {@link schema} gives the six kinds of rate. */
function rateOf(what: string) {
  return unlessAbsent(section(what, { ...rateSettings, fleet }))
}

const threshold = wholeNumber('Failures that lock.', { minimum: 1, maximum: THRESHOLD_MAX })
const lockout = duration('How long.', { minimum: '1s', maximum: '168h' })
const window = unlessAbsent(
  duration(
    'Pause after which the failures before it count no more. Left out: as long as the lock.',
    { minimum: '1s', maximum: '168h' },
  ),
)

const schema = section('One limit. Routes with the same limit count together.', {
  fleet: flag(
    'Whether all instances count together, where a part does not say otherwise.',
  ).prefault(false),
  perAddress: rateOf('Requests of one client address; of one /64 network with IPv6.'),
  perUsername: unlessAbsent(
    section('Requests that name one user in their body.', { ...rateSettings, fleet, field }),
  ),
  perTenant: rateOf('Requests of one tenant. A rate in the record of a tenant comes on top.'),
  perKey: rateOf('Requests with one API key. A rate in the record of a key comes on top.'),
  global: rateOf('All requests together.'),
  validation: rateOf(
    'Credentials that must be verified, introspected or looked up; not those whose verdict is ' +
      'cached.',
  ),
  failures: unlessAbsent(
    section('Lock-out after failed authentications.', {
      perAddress: unlessAbsent(
        section('Locks a client address.', { threshold, lockout, window, fleet }),
      ),
      perUsername: unlessAbsent(
        section('Locks a user that the body names.', { threshold, lockout, window, fleet, field }),
      ),
      upstreamStatuses: listOf(
        'Answers of the upstream that count as failures, such as 401 and 403 of a login service. ' +
          'Refusals of bad credentials by the gateway itself always count; a credential that has ' +
          'merely expired does not.',
        wholeNumber('Status.', LOCKED_OUT_STATUS),
      ).prefault([]),
    }),
  ),
})

const limits = eachNamed('Rate limits and lock-out, by a name that routes refer to.', schema)

type RateLimitOutput = Output<typeof schema>
export type RateLimitConfiguration = Immutable<ReturnType<typeof resolveLimit>>

export interface RateLimitsSettings {
  readonly rateLimits: NamedSettings<RateLimitOutput>
}

interface RateLimitsNeeds extends RateLimitsSettings, RedisSettings {}

export const rateLimitsSection: Section<
  RateLimitsSettings['rateLimits'],
  RateLimitsNeeds,
  readonly RateLimitConfiguration[]
> = {
  ...limits,
  schema: limits.schema.prefault({}),
  check({ rateLimits, redis }, report) {
    for (const [name, settings] of rateLimits) {
      if (settings !== null) checkLimit(name, settings, redis.isThere, report)
    }
  },
  resolve: ({ rateLimits }) =>
    allOf([...rateLimits].map(([name, settings]) => settings && resolveLimit(name, settings))),
}

function checkLimit(
  name: string,
  settings: RateLimitOutput,
  hasRedis: boolean,
  report: ReportProblem,
): void {
  const path = ['rateLimits', name]
  const { failures } = settings
  const parts = partsOf(settings)
  if (parts.every(([, part]) => part === null)) {
    report(path, 'limits nothing: it has no part')
    return
  }
  for (const [steps, part] of parts) {
    if (part !== null && (part.fleet ?? settings.fleet) && !hasRedis) {
      report(
        [...path, ...(part.fleet === undefined ? [] : steps), 'fleet'],
        'needs a redis section',
      )
    }
  }
  if (failures === null) return
  const fields = [settings.perUsername?.field, failures.perUsername?.field]
  if (fields.every((it) => typeof it === 'string') && fields[0] !== fields[1]) {
    report([...path, 'failures', 'perUsername', 'field'], 'must be that of perUsername')
  }
  if (failures.perAddress === null && failures.perUsername === null) {
    report([...path, 'failures'], 'needs perAddress or perUsername')
  }
}

/** Everything that can be shared by a fleet, with where it stands. */
function partsOf(settings: RateLimitOutput) {
  const { perAddress, perUsername, perTenant, perKey, global, validation, failures } = settings
  return [
    [['perAddress'], perAddress],
    [['perUsername'], perUsername],
    [['perTenant'], perTenant],
    [['perKey'], perKey],
    [['global'], global],
    [['validation'], validation],
    [['failures', 'perAddress'], failures?.perAddress ?? null],
    [['failures', 'perUsername'], failures?.perUsername ?? null],
  ] as const
}

interface RatePart {
  readonly rate: Rate
  readonly burst: number | null
  readonly fleet?: boolean | null | undefined
}

interface FailurePart {
  readonly threshold: number
  readonly lockout: number
  readonly window: number | null
  readonly fleet?: boolean | null | undefined
}

function resolveLimit(name: string, settings: RateLimitOutput) {
  const { perUsername, failures } = settings
  const rateOrNone = (part: RatePart | null) => part && resolveRate(part, settings.fleet)
  const failureOrNone = (part: FailurePart | null | undefined) =>
    part ? resolveFailures(part, settings.fleet) : null
  const namesUser = perUsername !== null || (failures !== null && failures.perUsername !== null)
  return {
    name,
    /** `null`: nothing in it depends on the body. */
    field: namesUser ? (perUsername?.field ?? failures?.perUsername?.field ?? FIELD_DEFAULT) : null,
    perAddress: rateOrNone(settings.perAddress),
    perUsername: rateOrNone(perUsername),
    perTenant: rateOrNone(settings.perTenant),
    perKey: rateOrNone(settings.perKey),
    global: rateOrNone(settings.global),
    validation: rateOrNone(settings.validation),
    failuresPerAddress: failureOrNone(failures?.perAddress),
    failuresPerUsername: failureOrNone(failures?.perUsername),
    failedStatuses: failures?.upstreamStatuses ?? [],
  }
}

function resolveRate({ rate, burst, fleet }: RatePart, byDefault: boolean) {
  return { ...rate, burst: burst ?? burstByDefault(rate), isFleet: fleet ?? byDefault }
}

function resolveFailures({ threshold, lockout, window, fleet }: FailurePart, byDefault: boolean) {
  return {
    threshold,
    lockoutMs: lockout,
    windowMs: window ?? lockout,
    isFleet: fleet ?? byDefault,
  }
}
