/**
 * How the keys of one issuer are fetched: the connections, and the fields that are sent beside what
 * every call sends. Fields may be secrets, so they go to one origin and to no other.
 */
import { readSmallFile } from '../resilience/file-reads.ts'
import type { OutboundHttp } from '../resilience/outbound-http.ts'

/** One field. Its value is `prefix` and then `value`, or what the file holds. */
export interface KeyRequestField {
  /** In lower case. */
  readonly name: string
  readonly prefix: string
  /** `null`: it is in the file. */
  readonly value: string | null
  /** Absolute name; `null` where there is a value. */
  readonly file: string | null
}

/** Both may be replaced between two fetches. */
export interface KeyAccess {
  readonly http: OutboundHttp
  readonly fields: readonly KeyRequestField[]
}

type Headers = Readonly<Record<string, string>>

/** A token of a Kubernetes service account has some 1200 characters. */
const FILE_BYTES_MAX = 16_384
/** Visible ASCII with spaces and tabs between (RFC 9110 §5.5). */
const FIELD_VALUE = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/

/** Whether a field may have this value. */
export function isFieldValue(value: string): boolean {
  return FIELD_VALUE.test(value)
}

/** The value in a file: its text without the white space around it. */
export function fieldValueIn(bytes: Uint8Array, prefix: string): string | null {
  const value = `${prefix}${Buffer.from(bytes).toString('latin1').trim()}`
  return value.length > prefix.length && isFieldValue(value) ? value : null
}

/**
 * The fields for one fetch. Files are read anew for each, so that a credential that is replaced,
 * as that of a Kubernetes service account is every hour, counts from the next fetch on. While a
 * disk hangs, this waits: the caller has a deadline.
 *
 * @returns `null` when a file cannot be read, or holds what no field may.
 */
export async function readHeaders(fields: readonly KeyRequestField[]): Promise<Headers | null> {
  const headers: Record<string, string> = {}
  for (const { name, prefix, value, file } of fields) {
    const text = file === null ? `${prefix}${value ?? ''}` : await readValue(file, prefix)
    if (text === null) return null
    headers[name] = text
  }
  return headers
}

async function readValue(file: string, prefix: string): Promise<string | null> {
  const read = await readSmallFile(file, FILE_BYTES_MAX)
  return read.ok ? fieldValueIn(read.bytes, prefix) : null
}
