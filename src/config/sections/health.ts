/** `health`: a listener of its own for health checks. */
import { HOST_PROBLEM, listenHost } from '../network-address.ts'
import { optional, type Section } from '../section.ts'
import { checkedText, type Output, section, wholeNumber } from '../setting.ts'
import type { AdminSettings } from './admin.ts'

const schema = section(
  'A port of its own that answers `/health/live` and `/health/ready` without TLS, in HTTP/1.0 too, ' +
    'beside the main port, which answers them as well. Left out: there is none.',
  {
    host: checkedText('Address to listen on.', listenHost, HOST_PROBLEM).prefault('0.0.0.0'),
    port: wholeNumber('Port to listen on; 0 lets the system choose.', {
      minimum: 0,
      maximum: 65_535,
    }).prefault(8_081),
  },
)

type HealthConfiguration = Readonly<Output<typeof schema>>

export interface HealthSettings extends AdminSettings {
  readonly health: ReturnType<ReturnType<typeof optional<typeof schema>>['read']>
}

export const healthSection: Section<
  HealthSettings['health'],
  HealthSettings,
  HealthConfiguration | null
> = {
  ...optional(schema),
  check({ health: { settings }, server, admin }, report) {
    if (settings === null || settings.port === 0) return
    if (settings.port === server?.port) report(['health', 'port'], 'must differ from server.port')
    if (settings.port === admin?.port) report(['health', 'port'], 'must differ from admin.port')
  },
  resolve: ({ health: { settings } }) => settings,
}
