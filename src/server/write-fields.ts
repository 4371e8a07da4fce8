/** Hot path: writes the header fields of an answer, all in one call. */
import type { HeaderList } from '../http/header-list.ts'
import type { NativeResponse } from './native-binary.ts'

/**
 * The native server writes a value as it is, so the first value carries the other fields behind it:
 * a call into native code costs more than adding up their text. Names are tokens and values hold no
 * CR or LF: proxy/response-headers.ts has seen to that, or the gateway wrote them itself.
 *
 * @returns About how many bytes they have.
 */
export function writeFields(response: NativeResponse, headers: HeaderList): number {
  if (headers.length < 2) return 0
  let text = headers[1] ?? ''
  for (let index = 2; index + 1 < headers.length; index += 2) {
    text += `\r\n${headers[index]}: ${headers[index + 1]}`
  }
  response.writeHeader(headers[0] ?? '', text)
  return text.length
}
