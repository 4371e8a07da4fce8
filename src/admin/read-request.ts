/** Reads a request to the admin listener whole, in bounds, or says why it cannot be taken. */
import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { parseJsonText } from '../protocol/strict-json.ts'
import { type AdminRequest, type Answer, problem } from './answer.ts'

/** The largest thing that an operator sends is one session. */
const BODY_BYTES_MAX = 65_536

export type BodyType = 'application/json' | 'application/x-www-form-urlencoded'

const BODY_TYPES: Readonly<Record<BodyType, RegExp>> = {
  'application/json': /^application\/json\s*(;|$)/i,
  'application/x-www-form-urlencoded': /^application\/x-www-form-urlencoded\s*(;|$)/i,
}

/** Whether the request has a body of this type, or neither a body nor a type. */
export function isOfType({ headers }: IncomingMessage, bodyType: BodyType): boolean {
  const type = headers['content-type']
  if (type !== undefined) return BODY_TYPES[bodyType].test(type)
  return headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0'
}

/**
 * @param path Of the endpoint; what follows it is the reference.
 * @returns An answer when no endpoint could take the request: 400 or 413.
 */
export async function readRequest(
  request: IncomingMessage,
  path: string,
): Promise<AdminRequest | Answer> {
  const url = new URL(request.url ?? '', 'http://admin')
  let reference: string
  try {
    reference = decodeURIComponent(url.pathname.slice(path.length + 1))
  } catch {
    return problem(400, 'Invalid request', 'The path is not percent-encoded as it should be.')
  }
  const bytes = await readBody(request)
  if (bytes === null) return problem(413, 'Too large', `At most ${BODY_BYTES_MAX} bytes are read.`)
  // Decoding would put U+FFFD for what is not, and another value would be acted upon.
  if (!isUtf8(bytes)) return problem(400, 'Invalid request', 'The body must be UTF-8.')
  const text = bytes.toString('utf8')
  const type = request.headers['content-type'] ?? ''
  const method = request.method ?? ''
  const body = BODY_TYPES['application/json'].test(type) ? parseJsonText(text) : null
  const isForm = BODY_TYPES['application/x-www-form-urlencoded'].test(type)
  const form = isForm ? new URLSearchParams(text) : null
  return { method, reference, query: url.searchParams, body, form }
}

/** @returns `null` when there is more than may be. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.byteLength
    if (sizeBytes <= BODY_BYTES_MAX) chunks.push(chunk)
  }
  return sizeBytes > BODY_BYTES_MAX ? null : Buffer.concat(chunks)
}
