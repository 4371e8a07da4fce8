/** The one place that knows which code belongs to which format of sessions. */
import type { SessionsConfiguration } from '../config/sections/sessions.ts'
import { expressSessionFormat } from '../verifiers/session/express-session-format.ts'
import { SALLYPORT_FORMAT } from '../verifiers/session/sallyport-format.ts'
import type { SessionFormat } from '../verifiers/session/session-format.ts'
import type { SessionFormatName } from '../verifiers/session/session-formats.ts'

const FORMATS: Readonly<
  Record<SessionFormatName, (sessions: SessionsConfiguration) => SessionFormat>
> = {
  sallyport: () => SALLYPORT_FORMAT,
  'express-session': ({ secrets, pointers }) => expressSessionFormat(secrets, pointers),
}

export function sessionFormat(sessions: SessionsConfiguration): SessionFormat {
  return FORMATS[sessions.format](sessions)
}
