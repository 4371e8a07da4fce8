/** Hot path: writes the header fields of an answer, all in one call. */
import type { HeaderList } from '../http/header-list.ts'
import type { NativeResponse } from './native-binary.ts'

/**
 * Clients ask anew on a connection that the native server is about to close, and fail, unless they
 * are told: it closes 8 to 12 s behind an answer. One less than that, for the way.
 */
export const IDLE_TIME = '\r\nKeep-Alive: timeout=7'

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
  response.writeHeader(headers[0] ?? '', text)
  return text.length
}
