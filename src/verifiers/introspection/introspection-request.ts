/** The question about a token (RFC 7662 §2.1), as it is posted to an introspection endpoint. */
import type { ClientProof } from '../../protocol/client-authentication.ts'
import { INTROSPECTION_BODY_BYTES_MAX } from '../../protocol/introspection-response.ts'
import type { OutboundPost } from '../../resilience/outbound-http.ts'

/** JSON by its own name, or by the suffix of a type that is written in it (RFC 6839 §3.1). */
const JSON_TYPE = /^application\/(?:json|[a-z0-9!#$&^_.-]+\+json)$/

/**
 * Whether an answer of this media type is read at all: a page for people never is.
 *
 * @param mediaType In lower case and without parameters.
 */
export function isJsonType(mediaType: string | null): boolean {
  return mediaType !== null && JSON_TYPE.test(mediaType)
}

/** @param proof Of this gateway, for the endpoint. */
export function introspectionRequest(
  endpoint: string,
  token: string,
  { authorization, form }: ClientProof,
  timeoutMs: number,
): OutboundPost {
  return {
    url: endpoint,
    accept: 'application/json',
    contentType: 'application/x-www-form-urlencoded',
    headers: authorization === null ? {} : { authorization },
    body: new URLSearchParams({ token, token_type_hint: 'access_token', ...form }).toString(),
    bodyBytesMax: INTROSPECTION_BODY_BYTES_MAX,
    timeoutMs,
  }
}
