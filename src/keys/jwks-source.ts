/** The places an issuer's JWK Set document can come from: a URL, its metadata, or a file. */
import { type FileHandle, open } from 'node:fs/promises'
import { JWKS_BYTES_MAX } from '../protocol/parse-jwks.ts'
import { withinDeadline } from '../resilience/deadline.ts'
import { keyFileReads } from '../resilience/one-at-a-time.ts'
import type { OutboundFailure, OutboundHttp } from '../resilience/outbound-http.ts'
import type { Clock } from '../runtime/clock.ts'
import {
  authorizationServerMetadataUrl,
  type DiscoveryRefusal,
  openidConfigurationUrl,
  readDiscoveryDocument,
} from './discovery-document.ts'
import { isFetchableUrl } from './fetchable-url.ts'

export type JwksSourceFailure = OutboundFailure | DiscoveryRefusal | 'file_unreadable'

export type FetchedDocument =
  | { readonly ok: true; readonly document: Uint8Array }
  | { readonly ok: false; readonly reason: JwksSourceFailure }

export interface JwksSource {
  /** What distinguishes this place from others: a disk copy belongs to it and to no other. */
  readonly identity: string
  /** At most 256 KiB, unjudged. Never rejects; settles within `timeoutMs`. */
  fetchDocument(timeoutMs: number): Promise<FetchedDocument>
}

interface UriSourceOptions {
  readonly uri: string
  readonly allowInsecureHttp: boolean
}

interface DiscoverySourceOptions {
  /** The issuer exactly as its tokens name it. */
  readonly issuer: string
  readonly allowInsecureHttp: boolean
}

const JWKS_MEDIA_TYPES = 'application/jwk-set+json, application/json;q=0.9, */*;q=0.1'
const METADATA_BYTES_MAX = 256 * 1_024
/** A moved `jwks_uri` shows after this time, or as soon as the old one fails. */
const DISCOVERY_TTL_MS = 3_600_000

export function uriSource(options: UriSourceOptions, http: OutboundHttp): JwksSource {
  return {
    identity: `uri ${options.uri}`,
    async fetchDocument(timeoutMs) {
      if (!isFetchableUrl(options.uri, options.allowInsecureHttp)) return failed('insecure_url')
      return fetchKeySet(http, options.uri, timeoutMs)
    },
  }
}

/** Metadata first, then the `jwks_uri` in them; both within one deadline. */
export function discoverySource(
  options: DiscoverySourceOptions,
  http: OutboundHttp,
  clock: Clock,
): JwksSource {
  let jwksUri: string | null = null
  let discoverAgainAtMs = 0

  async function fetchDocument(timeoutMs: number): Promise<FetchedDocument> {
    const deadlineMs = clock.monotonicMs() + timeoutMs
    if (jwksUri === null || clock.monotonicMs() >= discoverAgainAtMs) {
      const outcome = await discover(options, http, timeoutMs)
      if (!outcome.ok) return outcome
      jwksUri = outcome.jwksUri
      discoverAgainAtMs = clock.monotonicMs() + DISCOVERY_TTL_MS
    }
    const restMs = deadlineMs - clock.monotonicMs()
    if (restMs < 1) return failed('timeout')
    const fetched = await fetchKeySet(http, jwksUri, restMs)
    // The keys may have moved: ask where they are before the next attempt.
    if (!fetched.ok) jwksUri = null
    return fetched
  }

  return { identity: `discovery ${options.issuer}`, fetchDocument }
}

/** Read anew for every refresh, so that a replaced file is picked up like a rotated key. */
export function fileSource(path: string): JwksSource {
  let reading: Promise<FetchedDocument> | null = null

  /** While a disk hangs, the attempt that hangs is the only one. */
  function read(): Promise<FetchedDocument> {
    reading ??= keyFileReads
      .run(() => readKeyFile(path))
      .finally(() => {
        reading = null
      })
    return reading
  }

  return {
    identity: `file ${path}`,
    fetchDocument: (timeoutMs) => withinDeadline(read(), timeoutMs, failed('file_unreadable')),
  }
}

async function fetchKeySet(
  http: OutboundHttp,
  url: string,
  timeoutMs: number,
): Promise<FetchedDocument> {
  const request = { url, accept: JWKS_MEDIA_TYPES, bodyBytesMax: JWKS_BYTES_MAX, timeoutMs }
  const answer = await http.get(request)
  return answer.ok ? { ok: true, document: answer.body } : failed(answer.reason)
}

async function discover(
  options: DiscoverySourceOptions,
  http: OutboundHttp,
  timeoutMs: number,
): Promise<
  | { readonly ok: true; readonly jwksUri: string }
  | { readonly ok: false; readonly reason: JwksSourceFailure }
> {
  const { issuer, allowInsecureHttp } = options
  if (!isFetchableUrl(issuer, allowInsecureHttp)) return { ok: false, reason: 'insecure_url' }
  const request = {
    url: openidConfigurationUrl(issuer),
    accept: 'application/json',
    bodyBytesMax: METADATA_BYTES_MAX,
    timeoutMs: timeoutMs / 2,
  }
  let answer = await http.get(request)
  const fallbackUrl = authorizationServerMetadataUrl(issuer)
  // An OAuth server that does not speak OpenID Connect publishes the same members elsewhere.
  if (!answer.ok && answer.status === 404 && fallbackUrl !== null) {
    answer = await http.get({ ...request, url: fallbackUrl, timeoutMs: timeoutMs / 4 })
  }
  if (!answer.ok) return { ok: false, reason: answer.reason }
  return readDiscoveryDocument(answer.body, issuer, allowInsecureHttp)
}

async function readKeyFile(path: string): Promise<FetchedDocument> {
  let file: FileHandle | null = null
  try {
    file = await open(path, 'r')
    // One byte more than allowed tells a file of just the right size from one that is too large.
    const buffer = new Uint8Array(JWKS_BYTES_MAX + 1)
    let sizeBytes = 0
    while (sizeBytes < buffer.byteLength) {
      const { bytesRead } = await file.read(buffer, sizeBytes, buffer.byteLength - sizeBytes)
      if (bytesRead === 0) break
      sizeBytes += bytesRead
    }
    if (sizeBytes > JWKS_BYTES_MAX) return failed('too_large')
    return { ok: true, document: buffer.subarray(0, sizeBytes) }
  } catch {
    return failed('file_unreadable')
  } finally {
    await file?.close()
  }
}

function failed(reason: JwksSourceFailure): FetchedDocument {
  return { ok: false, reason }
}
