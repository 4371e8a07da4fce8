/** `issuers.<name>.tls` and `.proxy`: how an issuer is reached, for its keys and introspection. */
import {
  type EgressProxySettings,
  NO_EGRESS_PROXY,
  PROXY_URL_PROBLEM,
  parseProxyUrl,
} from '../../../http/egress-proxy.ts'
import type { OutboundPath } from '../../../resilience/outbound-path.ts'
import { checkClientTls, clientTls, resolveClientTls } from '../../client-tls.ts'
import type { ConfigPath, ReportProblem } from '../../config-error.ts'
import { checkSecret, resolveSecret } from '../../secret-setting.ts'
import type { Surroundings } from '../../section.ts'
import { type Output, secretText, text, unlessAbsent } from '../../setting.ts'
import type { SettingFiles } from '../../setting-files.ts'

const NO_PROXY_AT_ALL = 'none'
const PROXY_PROBLEM = `${PROXY_URL_PROBLEM}, or ${NO_PROXY_AT_ALL}`

const tls = clientTls(
  'TLS with the issuer: for `jwks.uri`, discovery and introspection. Certificates are always verified.',
)

/** The settings, for the section of an issuer. */
export const PATH_SETTINGS = {
  tls: tls.prefault({}),
  proxy: unlessAbsent(
    secretText(
      'URL of the HTTP proxy through which the issuer is called, perhaps with user and password ' +
        `(from the environment, as \${NAME}); or \`none\`. Left out: \`HTTPS_PROXY\`, \`HTTP_PROXY\` ` +
        'and `NO_PROXY`. Loopback is never called through a proxy.',
    ),
  ),
  proxyFile: unlessAbsent(
    text('File that holds that URL instead. Relative to the configuration file.'),
  ),
}

interface PathSettings {
  readonly tls: Output<typeof tls>
  readonly proxy: string | null
  readonly proxyFile: string | null
}

/** Checks well-formed settings. Opens no file. */
export function checkPath(path: ConfigPath, settings: PathSettings, report: ReportProblem): void {
  checkClientTls([...path, 'tls'], settings.tls, report)
  checkSecret(path, 'proxy', settings, report)
}

export function resolvePath(
  path: ConfigPath,
  settings: PathSettings,
  { files, environment }: Surroundings,
): OutboundPath {
  return {
    ...resolveClientTls([...path, 'tls'], settings.tls, files),
    proxies: resolveProxies(path, settings, files, environment.proxies),
  }
}

function resolveProxies(
  path: ConfigPath,
  settings: PathSettings,
  files: SettingFiles,
  ofEnvironment: EgressProxySettings,
): EgressProxySettings {
  const given = resolveSecret(path, 'proxy', settings, files)
  if (given === null) return ofEnvironment
  const url = given.bytes.toString('utf8')
  if (url === NO_PROXY_AT_ALL) return NO_EGRESS_PROXY
  if (parseProxyUrl(url) === null) files.report(given.at, PROXY_PROBLEM)
  return { https: url, http: url, noProxy: [] }
}
