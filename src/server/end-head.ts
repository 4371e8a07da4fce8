/** Ends the head of an answer: behind it comes nothing, or the end of the connection. */
import { systemClock } from '../runtime/clock.ts'
import type { NativeResponse } from './native-binary.ts'

const LINE_END = '\r\n'

/** RFC 9110 §6.4.1: answers that have no body, whatever their header fields say. */
export function isBodiless(method: string, status: string): boolean {
  return method === 'HEAD' || status.startsWith('204') || status.startsWith('304')
}

/** RFC 9110 §8.6: declares no length either, also to HEAD. */
export function isNoContent(status: string): boolean {
  return status.startsWith('204')
}

/** Call after status and fields. @param contentLength `null` declares nothing. */
export function endHead(
  response: NativeResponse,
  contentLength: number | null,
  closes: boolean,
): void {
  if (contentLength !== null) {
    response.endWithoutBody(contentLength, closes)
    return
  }
  // The native server announces it only where it does the closing itself.
  if (closes) response.writeHeader('Connection', 'close')
  response.endWithoutBody()
}

/**
 * Writes an answer by text, so that for the native server it is still to come: see
 * {@link endHeadRaw}, of which all holds here.
 *
 * A line end follows what can be written so. It counts as the end of a text of the gateway's own;
 * behind other bodies it is one that stands between messages (RFC 9112 §2.2), and only for clients
 * that look for no other message.
 */
export function endWholeRaw(response: NativeResponse, whole: string | Uint8Array): void {
  writeDateAndClose(response, 'close')
  const isText = typeof whole === 'string'
  const sizeBytes = isText ? Buffer.byteLength(whole) + LINE_END.length : whole.length
  const head = `${sizeBytes}${LINE_END}${LINE_END}`
  const value = isText ? head + whole : Buffer.concat([Buffer.from(head), whole])
  response.writeHeader('Content-Length', value)
}

/**
 * Ends it by text, so that for the native server the answer is still to come: the connection can
 * then be closed behind it, which a complete answer no longer allows, and no other request on it is
 * served until then.
 *
 * Call after status and fields. The caller closes the connection, but not within the turn of the
 * parser, which would throw away what is written here.
 *
 * @param contentLength What to declare for an answer without a body; `null` declares nothing.
 */
export function endHeadRaw(response: NativeResponse, contentLength: number | null): void {
  if (contentLength !== null) response.writeHeader('Content-Length', String(contentLength))
  // The line end of the value is followed by that of the field: an empty line.
  writeDateAndClose(response, `close${LINE_END}`)
}

function writeDateAndClose(response: NativeResponse, close: string): void {
  // The native server adds this to other answers (RFC 9110 §6.6.1).
  response.writeHeader('Date', new Date(systemClock.wallMs()).toUTCString())
  response.writeHeader('Connection', close)
}
