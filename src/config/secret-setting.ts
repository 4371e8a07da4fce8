/** A secret that two settings may give: one with the secret itself, and one with a file of it. */
import type { ConfigPath, ReportProblem } from './config-error.ts'
import type { SettingFiles } from './setting-files.ts'

/** `password` and `passwordFile`, for the name `password`. */
export type SecretSettings<Name extends string> = {
  readonly [Setting in Name | `${Name}File`]: string | null
}

export interface ResolvedSecret {
  readonly bytes: Buffer
  /** The setting that it comes from, for problems about it. */
  readonly at: ConfigPath
}

/** Whether one is given is for the section to check: not every secret is required. */
export function checkSecret<Name extends string>(
  path: ConfigPath,
  name: Name,
  settings: SecretSettings<Name>,
  report: ReportProblem,
): void {
  const [text, file] = valuesOf(name, settings)
  if (text !== null && file !== null) {
    report([...path, `${name}File`], `cannot be combined with ${name}`)
  }
}

/** @returns `null` when there is none, or when its file cannot be read, which is a problem. */
export function resolveSecret<Name extends string>(
  path: ConfigPath,
  name: Name,
  settings: SecretSettings<Name>,
  files: SettingFiles,
): ResolvedSecret | null {
  const [text, file] = valuesOf(name, settings)
  if (file === null) {
    return text === null ? null : { bytes: Buffer.from(text, 'utf8'), at: [...path, name] }
  }
  const at = [...path, `${name}File`]
  const bytes = files.secret(at, file)
  return bytes && { bytes, at }
}

function valuesOf<Name extends string>(
  name: Name,
  settings: SecretSettings<Name>,
): readonly [text: string | null, file: string | null] {
  return [settings[name], settings[`${name}File`]]
}
