/** Texts of answers as node:http takes them, which sends each character as one byte. */
import { fieldLines } from '../../http/header-list.ts'
import type { RenderedRefusal } from '../http-server.ts'

const STATUS_DIGITS = 3

/** `404 Not Found` → 404 */
export function statusCodeOf(status: string): number {
  return Number(status.slice(0, STATUS_DIGITS))
}

export function phraseOf(status: string): string {
  return status.slice(STATUS_DIGITS + 1)
}

/** A whole answer behind which the connection is closed, for where no request is known. */
export function refusalText({ status, headers, body }: RenderedRefusal, date: string): string {
  const own = ['Content-Length', String(Buffer.byteLength(body)), 'Date', date]
  const fields = fieldLines([...headers, ...own, 'Connection', 'close'])
  return `HTTP/1.1 ${status}${fields}\r\n\r\n${body}`
}
