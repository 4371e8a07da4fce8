/** Hot path: writes the head of an answer, its fields in one call. */
import type { HeaderList } from '../http/header-list.ts'
import { opaqueBytes } from '../http/opaque-bytes.ts'
import type { NativeResponse } from './native-binary.ts'

/** Stands in an answer that has no field at all. */
const NO_FIELD: HeaderList = ['Vary', 'Expect']

/**
 * @param closes Whether the connection is closed behind the answer.
 * @param isInvited Whether the status line that the native server writes was that of an interim
 *   answer: see invitation.ts.
 * @returns About how many bytes the fields have.
 */
export function writeHead(
  response: NativeResponse,
  status: string,
  headers: HeaderList,
  closes: boolean,
  isInvited: boolean,
): number {
  const behind = closes ? '' : IDLE_TIME
  if (isInvited) return writeHeadBehindInterim(response, status, headers, behind)
  response.writeStatus(status)
  return writeFields(response, headers, behind)
}

/**
 * Clients ask anew on a connection that the native server is about to close, and fail, unless they
 * are told: it closes 8 to 12 s behind an answer. One less than that, for the way.
 */
const IDLE_TIME = '\r\nKeep-Alive: timeout=7'

/**
 * The native server writes a value as it is, so the first value carries the other fields behind it:
 * a call into native code costs more than adding up their text. Names are tokens and values hold no
 * CR or LF: proxy/response-headers.ts has seen to that, or the gateway wrote them itself.
 *
 * @param behind More fields, as text that begins with a line end; left out where there are none.
 * @returns About how many bytes they have.
 */
export function writeFields(response: NativeResponse, headers: HeaderList, behind: string): number {
  if (headers.length < 2) return 0
  let text = headers[1] ?? ''
  for (let index = 2; index + 1 < headers.length; index += 2) {
    text += `\r\n${headers[index]}: ${headers[index + 1]}`
  }
  text += behind
  response.writeHeader(headers[0] ?? '', opaqueBytes(text))
  return text.length
}

function writeHeadBehindInterim(
  response: NativeResponse,
  status: string,
  headers: HeaderList,
  behind: string,
): number {
  const [name = '', ...rest] = headers.length < 2 ? NO_FIELD : headers
  return writeFields(response, [`HTTP/1.1 ${status}\r\n${name}`, ...rest], behind)
}
