/** `issuers.<name>.tls` and `.proxy`: how an issuer is reached, for its keys and introspection. */
import {
  type EgressProxySettings,
  NO_EGRESS_PROXY,
  PROXY_URL_PROBLEM,
  parseProxyUrl,
} from '../../../http/egress-proxy.ts'
import type { OutboundPath } from '../../../resilience/outbound-path.ts'
import { resolveAuthorities } from '../../authorities.ts'
import type { ConfigPath, ReportProblem } from '../../config-error.ts'
import { checkSecret, resolveSecret } from '../../secret-setting.ts'
import type { Surroundings } from '../../section.ts'
import { type Output, secretText, section, text, unlessAbsent } from '../../setting.ts'
import type { SettingFiles } from '../../setting-files.ts'
import { tlsFileProblems } from '../../tls-files.ts'

const NO_PROXY_AT_ALL = 'none'
const PROXY_PROBLEM = `${PROXY_URL_PROBLEM}, or ${NO_PROXY_AT_ALL}`

const tls = section(
  'TLS with the issuer: for `jwks.uri`, discovery and introspection. Certificates are always verified.',
  {
    caFile: unlessAbsent(
      text(
        'PEM file of the authorities to trust instead of the usual ones. Relative to this file.',
      ),
    ),
    certFile: unlessAbsent(
      text(
        'PEM file of the certificate, with its chain, that the gateway shows to a server that asks ' +
          'for one. Relative to this file.',
      ),
    ),
    keyFile: unlessAbsent(text('PEM file of its private key. Relative to this file.')),
  },
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
  const { certFile, keyFile } = settings.tls
  if (certFile !== null && keyFile === null) {
    report([...path, 'tls', 'keyFile'], 'is required with certFile')
  }
  if (certFile === null && keyFile !== null) {
    report([...path, 'tls', 'certFile'], 'is required with keyFile')
  }
  checkSecret(path, 'proxy', settings, report)
}

export function resolvePath(
  path: ConfigPath,
  settings: PathSettings,
  { files, environment }: Surroundings,
): OutboundPath {
  const { caFile, certFile, keyFile } = settings.tls
  const at = [...path, 'tls']
  return {
    ca: caFile === null ? null : resolveAuthorities([...at, 'caFile'], caFile, files),
    ...resolvePair(at, certFile, keyFile, files),
    proxies: resolveProxies(path, settings, files, environment.proxies),
  }
}

/** What only one of them names has been reported. */
function resolvePair(
  at: ConfigPath,
  certFile: string | null,
  keyFile: string | null,
  files: SettingFiles,
): Pick<OutboundPath, 'certificate' | 'key'> {
  if (certFile === null || keyFile === null) return { certificate: null, key: null }
  const certificate = files.content([...at, 'certFile'], certFile)
  const key = files.content([...at, 'keyFile'], keyFile)
  if (certificate === null || key === null) return { certificate: null, key: null }
  for (const { setting, message } of tlsFileProblems(certificate, key)) {
    files.report([...at, setting], message)
  }
  return { certificate: certificate.toString('utf8'), key: key.toString('utf8') }
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
