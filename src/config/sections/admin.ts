/** `admin`: the listener that operators talk to. */
import { isLoopbackHost } from '../../http/http-url.ts'
import type { ReportProblem } from '../config-error.ts'
import { HOST_PROBLEM, listenHost } from '../network-address.ts'
import { checkSecret } from '../secret-setting.ts'
import { always, type Immutable, type Section } from '../section.ts'
import {
  checkedText,
  type Output,
  patternText,
  section,
  text,
  unlessAbsent,
  wholeNumber,
} from '../setting.ts'
import type { SettingFiles } from '../setting-files.ts'
import type { ServerSettings } from './server.ts'

/** What a bearer token may consist of (RFC 6750 §2.1), long enough not to be guessed. */
const ADMIN_TOKEN = /^[A-Za-z0-9\-._~+/]{16,1024}=*$/

const schema = section('The listener that operators talk to.', {
  host: checkedText(
    'Address to listen on. Anything but loopback needs a token.',
    listenHost,
    HOST_PROBLEM,
  ).prefault('127.0.0.1'),
  port: wholeNumber('Port to listen on; 0 lets the system choose.', {
    minimum: 0,
    maximum: 65_535,
  }).prefault(9_090),
  token: unlessAbsent(
    patternText(
      'Bearer token that requests to this listener must carry. Needed as soon as `host` is not ' +
        'loopback. At least 16 characters.',
      ADMIN_TOKEN,
      'must be 16 to 1024 characters that a bearer token may hold: letters, digits and -._~+/',
    ),
  ),
  tokenFile: unlessAbsent(
    text('File that holds the token instead. Relative to the configuration file.'),
  ),
})

type AdminOutput = Output<typeof schema>
type AdminConfiguration = Immutable<ReturnType<typeof resolveAdmin>>

export interface AdminSettings extends ServerSettings {
  readonly admin: AdminOutput | null
}

export const adminSection: Section<AdminSettings['admin'], AdminSettings, AdminConfiguration> = {
  ...always(schema),
  check({ admin, server }, report) {
    if (admin === null) return
    checkToken(admin, report)
    if (server === null || server.port === 0 || server.port !== admin.port) return
    const isAny = [server.host, admin.host].some((host) => host === '0.0.0.0' || host === '::')
    if (isAny || server.host === admin.host) {
      report(['admin', 'port'], 'must differ from server.port')
    }
  },
  resolve: ({ admin }, { files }) => (admin === null ? undefined : resolveAdmin(admin, files)),
}

function checkToken(admin: AdminOutput, report: ReportProblem): void {
  const { host, token, tokenFile } = admin
  checkSecret(['admin'], 'token', admin, report)
  if (token === null && tokenFile === null && !isLoopbackHost(host)) {
    report(['admin', 'token'], 'is required because admin.host is not loopback')
  }
}

function resolveAdmin({ host, port, token, tokenFile }: AdminOutput, files: SettingFiles) {
  if (tokenFile === null) return { host, port, token }
  const path = ['admin', 'tokenFile']
  const fileToken = files.secret(path, tokenFile)?.toString('latin1') ?? null
  if (fileToken !== null && !ADMIN_TOKEN.test(fileToken)) {
    files.report(path, 'must hold 16 to 1024 characters that a bearer token may consist of')
  }
  return { host, port, token: fileToken }
}
