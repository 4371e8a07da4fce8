/** Files of certificate authorities that are trusted instead of the usual ones. */
import type { ConfigPath } from './config-error.ts'
import { certificateIn, NO_CERTIFICATE } from './pem.ts'
import type { SettingFiles } from './setting-files.ts'

/** Without a certificate in it, a file would make public authorities trusted in its place. */
export function resolveAuthorities(
  at: ConfigPath,
  caFile: string,
  files: SettingFiles,
): string | null {
  const pem = files.authorities(at, caFile)
  if (pem !== null && certificateIn(pem) === null) files.report(at, NO_CERTIFICATE)
  return pem?.toString('utf8') ?? null
}
