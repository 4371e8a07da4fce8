/** The one place that knows which code belongs to which format of sessions. */
import type { SessionsConfiguration } from '../config/sections/sessions.ts'
import type { RecordUse } from '../protocol/stored-user.ts'
import { expressSessionFormat } from '../verifiers/session/express-session-format.ts'
import { sallyportFormat } from '../verifiers/session/sallyport-format.ts'
import type { SessionFormat } from '../verifiers/session/session-format.ts'
import type { SessionFormatName } from '../verifiers/session/session-formats.ts'

const FORMATS: Readonly<
  Record<SessionFormatName, (sessions: SessionsConfiguration, use: RecordUse) => SessionFormat>
> = {
  sallyport: (_, use) => sallyportFormat(use),
  'express-session': ({ secrets, pointers }, use) => expressSessionFormat(secrets, pointers, use),
}

export function sessionFormat(sessions: SessionsConfiguration, use: RecordUse): SessionFormat {
  return FORMATS[sessions.format](sessions, use)
}
