/** `tls` of a system that is called: whom to trust, and what the gateway shows for itself. */
import type { OutboundPath } from '../resilience/outbound-path.ts'
import { resolveAuthorities } from './authorities.ts'
import type { ConfigPath, ReportProblem } from './config-error.ts'
import { section, text, unlessAbsent } from './setting.ts'
import type { SettingFiles } from './setting-files.ts'
import { tlsFileProblems } from './tls-files.ts'

interface ClientTlsSettings {
  readonly caFile: string | null
  readonly certFile: string | null
  readonly keyFile: string | null
}

/** PEM; `null`: not given. The key goes with the certificate. */
type ClientTls = Pick<OutboundPath, 'ca' | 'certificate' | 'key'>

/** @param what Of the section, for the manual. */
export function clientTls(what: string) {
  return section(what, {
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
  })
}

/** Checks well-formed settings. Opens no file. */
export function checkClientTls(
  path: ConfigPath,
  { certFile, keyFile }: ClientTlsSettings,
  report: ReportProblem,
): void {
  if (certFile !== null && keyFile === null) {
    report([...path, 'keyFile'], 'is required with certFile')
  }
  if (certFile === null && keyFile !== null) {
    report([...path, 'certFile'], 'is required with keyFile')
  }
}

/** Reads the files, and reports what is wrong with them. */
export function resolveClientTls(
  path: ConfigPath,
  { caFile, certFile, keyFile }: ClientTlsSettings,
  files: SettingFiles,
): ClientTls {
  const ca = caFile === null ? null : resolveAuthorities([...path, 'caFile'], caFile, files)
  return { ca, ...resolvePair(path, certFile, keyFile, files) }
}

/** What only one of them names has been reported. */
function resolvePair(
  at: ConfigPath,
  certFile: string | null,
  keyFile: string | null,
  files: SettingFiles,
): Omit<ClientTls, 'ca'> {
  if (certFile === null || keyFile === null) return { certificate: null, key: null }
  const certificate = files.content([...at, 'certFile'], certFile)
  const key = files.content([...at, 'keyFile'], keyFile)
  if (certificate === null || key === null) return { certificate: null, key: null }
  for (const { setting, message } of tlsFileProblems(certificate, key)) {
    files.report([...at, setting], message)
  }
  return { certificate: certificate.toString('utf8'), key: key.toString('utf8') }
}
