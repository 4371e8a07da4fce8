/** The one place that knows which code belongs to which format of sessions. */
import type { SessionsConfiguration } from '../config/sections/sessions.ts'
import type { KeptPath } from '../protocol/kept-claims.ts'
import { expressSessionFormat } from '../verifiers/session/express-session-format.ts'
import { sallyportFormat } from '../verifiers/session/sallyport-format.ts'
import type { SessionFormat } from '../verifiers/session/session-format.ts'
import type { SessionFormatName } from '../verifiers/session/session-formats.ts'

const FORMATS: Readonly<
  Record<
    SessionFormatName,
    (sessions: SessionsConfiguration, keptPaths: readonly KeptPath[]) => SessionFormat
  >
> = {
  sallyport: (_, keptPaths) => sallyportFormat(keptPaths),
  'express-session': ({ secrets, pointers }, keptPaths) =>
    expressSessionFormat(secrets, pointers, keptPaths),
}

export function sessionFormat(
  sessions: SessionsConfiguration,
  keptPaths: readonly KeptPath[],
): SessionFormat {
  return FORMATS[sessions.format](sessions, keptPaths)
}
