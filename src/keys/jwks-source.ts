/** The places an issuer's JWK Set document can come from: a URL, its metadata, or a file. */
import { JWKS_BYTES_MAX } from '../protocol/parse-jwks.ts'
import { withinDeadline } from '../resilience/deadline.ts'
import { type FileRead, readSmallFile } from '../resilience/file-reads.ts'
import type { OutboundFailure } from '../resilience/outbound-failure.ts'
import type { OutboundResult } from '../resilience/outbound-http.ts'
import type { Clock } from '../runtime/clock.ts'
import {
  authorizationServerMetadataUrl,
  type DiscoveredIssuer,
  type DiscoveryOutcome,
  type DiscoveryRefusal,
  openidConfigurationUrl,
  readDiscoveryDocument,
} from './discovery-document.ts'
import { isFetchableUrl } from './fetchable-url.ts'
import { type KeyAccess, readHeaders } from './key-access.ts'

/** `headers_unreadable`: a file of `jwks.headers` cannot be read, or holds what no field may. */
export type JwksSourceFailure =
  | OutboundFailure
  | DiscoveryRefusal
  | 'file_unreadable'
  | 'headers_unreadable'

export interface FailedFetch {
  readonly ok: false
  readonly reason: JwksSourceFailure
  /** What was asked for last; `null` when nothing was. */
  readonly url: string | null
  /** Status of the answer; `null` when there was none. */
  readonly status: number | null
  /** What the system or OpenSSL calls it: one of a fixed set of words. `null`: no more to say. */
  readonly cause: string | null
}

export type FetchedDocument =
  | {
      readonly ok: true
      readonly document: Uint8Array
      /** `null`: it comes from a file. */
      readonly url: string | null
      /** What metadata that were fetched with it say of claims; `null`: nothing. */
      readonly claimsSupported: readonly string[] | null
    }
  | FailedFetch

export interface JwksSource {
  /** At most 256 KiB, unjudged. Never rejects; settles within `timeoutMs`. */
  fetchDocument(timeoutMs: number): Promise<FetchedDocument>
}

interface UriSourceOptions {
  readonly uri: string
  readonly allowInsecureHttp: boolean
}

interface DiscoverySourceOptions extends DiscoveredIssuer {
  readonly allowInsecureHttp: boolean
}

const JWKS_MEDIA_TYPES = 'application/jwk-set+json, application/json;q=0.9, */*;q=0.1'
const METADATA_MEDIA_TYPES = 'application/json, */*;q=0.1'
const METADATA_BYTES_MAX = 256 * 1_024
const LATE_READ: FileRead = { ok: false, reason: 'file_unreadable' }
/** A moved `jwks_uri` shows after this time, or as soon as the old one fails. */
const DISCOVERY_TTL_MS = 3_600_000

export function uriSource(options: UriSourceOptions, access: KeyAccess): JwksSource {
  const { uri, allowInsecureHttp } = options
  return {
    async fetchDocument(timeoutMs) {
      if (!isFetchableUrl(uri, allowInsecureHttp)) return failed('insecure_url', uri)
      return fetchKeySet(access, uri, uri, timeoutMs)
    },
  }
}

/** Metadata first, then the `jwks_uri` in them; both within one deadline. */
export function discoverySource(
  options: DiscoverySourceOptions,
  access: KeyAccess,
  clock: Clock,
): JwksSource {
  const { issuer } = options
  let jwksUri: string | null = null
  let discoverAgainAtMs = 0

  async function fetchDocument(timeoutMs: number): Promise<FetchedDocument> {
    const deadlineMs = clock.monotonicMs() + timeoutMs
    let claimsSupported: readonly string[] | null = null
    if (jwksUri === null || clock.monotonicMs() >= discoverAgainAtMs) {
      const outcome = await discover(options, access, timeoutMs)
      if (!outcome.ok) return outcome
      jwksUri = outcome.jwksUri
      claimsSupported = outcome.claimsSupported
      discoverAgainAtMs = clock.monotonicMs() + DISCOVERY_TTL_MS
    }
    const restMs = deadlineMs - clock.monotonicMs()
    if (restMs < 1) return failed('timeout', jwksUri)
    const fetched = await fetchKeySet(access, jwksUri, issuer, restMs)
    // The keys may have moved: ask where they are before the next attempt.
    if (!fetched.ok) jwksUri = null
    return fetched.ok ? { ...fetched, claimsSupported } : fetched
  }

  return { fetchDocument }
}

/** Read anew for every refresh, so that a replaced file is picked up like a rotated key. */
export function fileSource(path: string): JwksSource {
  return {
    async fetchDocument(timeoutMs) {
      const reading = readSmallFile(path, JWKS_BYTES_MAX)
      const read = await withinDeadline<FileRead>(reading, timeoutMs, LATE_READ)
      if (!read.ok) return failed(read.reason)
      return { ok: true, document: read.bytes, url: null, claimsSupported: null }
    },
  }
}

/** @param ownUrl The fields of the issuer are for its origin alone. */
async function fetchKeySet(
  access: KeyAccess,
  url: string,
  ownUrl: string,
  timeoutMs: number,
): Promise<FetchedDocument> {
  const request = { accept: JWKS_MEDIA_TYPES, bodyBytesMax: JWKS_BYTES_MAX, timeoutMs }
  const isOwn = new URL(url).origin === new URL(ownUrl).origin
  const answer = await getWith(access, url, isOwn, request)
  if (answer === null) return failed('headers_unreadable', url)
  if (!answer.ok) return failedCall(answer, url)
  return { ok: true, document: answer.body, url, claimsSupported: null }
}

/** Whatever the media type: object stores and raw files name any, and the document decides. */
async function getWith(
  { http, fields }: KeyAccess,
  url: string,
  hasFields: boolean,
  request: { readonly accept: string; readonly bodyBytesMax: number; readonly timeoutMs: number },
): Promise<OutboundResult | null> {
  if (!hasFields || fields.length === 0) return http.get({ ...request, url })
  const reading: ReturnType<typeof readHeaders> = readHeaders(fields)
  const headers = await withinDeadline(reading, request.timeoutMs, null)
  return headers && http.get({ ...request, url, headers })
}

async function discover(
  options: DiscoverySourceOptions,
  access: KeyAccess,
  timeoutMs: number,
): Promise<Extract<DiscoveryOutcome, { ok: true }> | FailedFetch> {
  const { issuer, allowInsecureHttp } = options
  if (!isFetchableUrl(issuer, allowInsecureHttp)) return failed('insecure_url', issuer)
  let url = openidConfigurationUrl(issuer)
  const request = {
    accept: METADATA_MEDIA_TYPES,
    bodyBytesMax: METADATA_BYTES_MAX,
    timeoutMs: timeoutMs / 2,
  }
  let answer = await getWith(access, url, true, request)
  const fallbackUrl = authorizationServerMetadataUrl(issuer)
  // An OAuth server that does not speak OpenID Connect publishes the same members elsewhere.
  if (answer !== null && !answer.ok && answer.status === 404 && fallbackUrl !== null) {
    url = fallbackUrl
    answer = await getWith(access, url, true, { ...request, timeoutMs: timeoutMs / 4 })
  }
  if (answer === null) return failed('headers_unreadable', url)
  if (!answer.ok) return failedCall(answer, url)
  const outcome = readDiscoveryDocument(answer.body, options, allowInsecureHttp)
  return outcome.ok ? outcome : failed(outcome.reason, url, answer.status)
}

function failed(
  reason: JwksSourceFailure,
  url: string | null = null,
  status: number | null = null,
): FailedFetch {
  return { ok: false, reason, url, status, cause: null }
}

function failedCall(
  { reason, status, cause }: Extract<OutboundResult, { ok: false }>,
  url: string,
): FailedFetch {
  return { ok: false, reason, url, status, cause }
}
