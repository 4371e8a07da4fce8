/**
 * Reads the body of an answer to one of our own calls: bounded on the wire, and bounded again once
 * it is decompressed, so that a small answer cannot become a large one.
 */
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib'

/** What is asked for, and understood. Others are not worth their code: answers are small. */
export const ACCEPTED_ENCODINGS = 'gzip, deflate, br'

type BodyReading =
  | { readonly ok: true; readonly body: Uint8Array }
  | { readonly ok: false; readonly reason: 'too_large' | 'protocol' }

type Decompress = (
  bytes: Uint8Array,
  options: { readonly maxOutputLength: number },
) => Promise<Uint8Array>

const TOO_LARGE: BodyReading = Object.freeze({ ok: false, reason: 'too_large' })
const MALFORMED: BodyReading = Object.freeze({ ok: false, reason: 'protocol' })

const unzip: Decompress = promisify(gunzip)
const unwrap: Decompress = promisify(inflate)
const unwrapRaw: Decompress = promisify(inflateRaw)
/** Of the first byte of a zlib stream (RFC 1950 §2.2): the method, which is always this one. */
const ZLIB_METHOD_MASK = 0x0f
const ZLIB_METHOD = 8

const DECOMPRESS: ReadonlyMap<string, Decompress> = new Map([
  ['gzip', unzip],
  // RFC 9110 §8.4.1.3: the same.
  ['x-gzip', unzip],
  // The zlib format (RFC 9110 §8.4.1.2); some servers send what is inside it alone.
  ['deflate', (bytes, options) => (isZlib(bytes) ? unwrap : unwrapRaw)(bytes, options)],
  ['br', promisify(brotliDecompress)],
])

/** Whether a body in this `Content-Encoding` can be read: one encoding, or none. */
export function isReadableEncoding(field: string | readonly string[] | undefined): boolean {
  const encoding = encodingOf(field)
  return encoding === null || DECOMPRESS.has(encoding)
}

/**
 * @param chunks Leaving them early must end the connection: nothing more is read then.
 * @param field `Content-Encoding` for which {@link isReadableEncoding} holds.
 * @param bytesMax Of the body as it comes, and of the body as it is decompressed.
 * @throws (rejects) What the connection fails with.
 */
export async function readBody(
  chunks: AsyncIterable<Uint8Array>,
  field: string | readonly string[] | undefined,
  bytesMax: number,
): Promise<BodyReading> {
  const parts: Uint8Array[] = []
  let sizeBytes = 0
  for await (const part of chunks) {
    sizeBytes += part.byteLength
    if (sizeBytes > bytesMax) return TOO_LARGE
    parts.push(part)
  }
  const body = Buffer.concat(parts, sizeBytes)
  const decompress = DECOMPRESS.get(encodingOf(field) ?? '')
  // An answer without a body may name an encoding all the same.
  if (decompress === undefined || sizeBytes === 0) return { ok: true, body }
  try {
    return { ok: true, body: await decompress(body, { maxOutputLength: bytesMax }) }
  } catch (error) {
    return isTooLong(error) ? TOO_LARGE : MALFORMED
  }
}

/** In lower case; `null`: it is as it is. Several of them are one that is not known. */
function encodingOf(field: string | readonly string[] | undefined): string | null {
  if (field === undefined) return null
  const name = typeof field === 'string' ? field.trim().toLowerCase() : field.join()
  return name === '' || name === 'identity' ? null : name
}

function isZlib(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & ZLIB_METHOD_MASK) === ZLIB_METHOD
}

function isTooLong(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
}
