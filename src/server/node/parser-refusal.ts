/** What an error of the parser of node:http means for a client. */
import type { ServerRefusal } from '../request-snapshot.ts'

/** Codes of llhttp. */
const PARSER_ERROR = /^HPE_/
const REASONS: ReadonlyMap<string, ServerRefusal | 'nothing'> = new Map([
  ['HPE_HEADER_OVERFLOW', 'headers_too_large'],
  // Something behind an answer that was announced as the last: that answer goes its way.
  ['HPE_CLOSED_CONNECTION', 'nothing'],
])

/** - `gone`: there is no connection any more. - `nothing`: there is no request to refuse. */
export function parserRefusal(code: string | undefined): ServerRefusal | 'gone' | 'nothing' {
  if (code === undefined || !PARSER_ERROR.test(code)) return 'gone'
  return REASONS.get(code) ?? 'request_malformed'
}
