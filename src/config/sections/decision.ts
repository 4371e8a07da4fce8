/** `decision`: where other proxies ask what would be decided about a request. */
import { canonicalPath } from '../../http/canonical-path.ts'
import { requiredRangeList } from '../address-lists.ts'
import { HOST_PROBLEM, listenHost } from '../network-address.ts'
import { optional, type Section } from '../section.ts'
import {
  checkedText,
  duration,
  type Output,
  oneOf,
  section,
  unlessAbsent,
  wholeNumber,
} from '../setting.ts'
import type { AdminSettings } from './admin.ts'
import type { HealthSettings } from './health.ts'

const PATH_PROBLEM = 'must be a path such as /_sallyport/decide, without a slash at its end'

/** @returns `null` for what no request could have, or what ends in a slash. */
function endpointPath(value: string): string | null {
  const isPath = canonicalPath(value) === value && !value.endsWith('/') && !value.includes('*')
  return isPath ? value : null
}

const schema = section(
  'An endpoint at which other proxies ask whether a request may go on, and who is calling: ' +
    '`docs/decision.md`. Left out: there is none.',
  {
    trustedPeers: requiredRangeList(
      'Addresses and CIDR ranges of the proxies that may ask. They say which request it is about, ' +
        'and are believed. All others get 400.',
    ),
    path: checkedText(
      'Path in front of `/forward-auth`, `/auth-request` and `/ext-authz/…`.',
      endpointPath,
      PATH_PROBLEM,
    ).prefault('/_sallyport/decide'),
    port: unlessAbsent(
      wholeNumber(
        'Port of its own, without TLS; 0 lets the system choose. Left out: the main port, whose ' +
          'clients must not reach it through one of the proxies.',
        { minimum: 0, maximum: 65_535 },
      ),
    ),
    host: checkedText(
      'Address to listen on, where there is a port of its own.',
      listenHost,
      HOST_PROBLEM,
    ).prefault('0.0.0.0'),
    engine: unlessAbsent(
      oneOf(
        'What serves the port of its own, as `server.engine`, which counts where this is left out.',
        ['native', 'node'],
      ),
    ),
    compat: oneOf(
      '`nginx`: on `/auth-request` every refusal is 401 or 403, because nginx makes 500 of all ' +
        'others; `X-Sallyport-Status` says what it would have been.',
      ['none', 'nginx'],
    ).prefault('none'),
    maxAge: unlessAbsent(
      duration(
        'For how long callers may keep a decision that a request may go on, at most until its ' +
          'credential ends: `Cache-Control` says so. A revocation does not reach what they keep. ' +
          'Left out: nothing is said.',
        { minimum: '1s', maximum: '5m' },
      ),
    ),
  },
)

type DecisionOutput = Output<typeof schema>
type DecisionConfiguration = Readonly<ReturnType<typeof resolveDecision>>

interface DecisionSettings extends AdminSettings, HealthSettings {
  readonly decision: ReturnType<ReturnType<typeof optional<typeof schema>>['read']>
}

export const decisionSection: Section<
  DecisionSettings['decision'],
  DecisionSettings,
  DecisionConfiguration | null
> = {
  ...optional(schema),
  check({ decision: { settings }, server, admin, health }, report) {
    const port = settings?.port ?? null
    if (settings === null) return
    if (port === null && settings.engine !== null) {
      report(['decision', 'engine'], 'needs a port of its own: the main port has server.engine')
    }
    if (port === null || port === 0) return
    const others = { server, admin, health: health.settings }
    for (const [name, other] of Object.entries(others)) {
      if (other?.port === port) report(['decision', 'port'], `must differ from ${name}.port`)
    }
  },
  resolve: ({ decision: { settings } }) => (settings === null ? null : resolveDecision(settings)),
}

function resolveDecision({ maxAge, ...settings }: DecisionOutput) {
  return { ...settings, maxAgeMs: maxAge }
}
