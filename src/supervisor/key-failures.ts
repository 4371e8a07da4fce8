/** Why there is no key set, for operators. */
import type { JwksFailure } from '../keys/jwks-event.ts'

/** Why there is no key set, in words that depend on nothing the other side says. */
export const KEY_FAILURES: Readonly<Record<JwksFailure, string>> = {
  bad_url: 'the URL cannot be used',
  timeout: 'no whole answer in time (jwks.timeout)',
  unreachable: 'the host cannot be reached',
  proxy: 'the egress proxy does not connect',
  tls: 'the TLS handshake failed or the certificate is not trusted',
  connection_lost: 'the connection was lost',
  protocol: 'the answer is not valid HTTP, or not in the encoding that it names',
  too_large: 'the document is larger than 256 KiB',
  redirect: 'the answer is a redirect, which is never followed',
  status: 'the answer has a status that is none of success',
  bad_discovery_document: 'the metadata are not an object with issuer and jwks_uri',
  issuer_mismatch: 'the metadata are those of another issuer',
  insecure_url: 'the URL is not https (jwks.allowInsecureHttp)',
  file_unreadable: 'the file cannot be read',
  headers_unreadable: 'a file of jwks.headers cannot be read, or holds what no header may',
  not_json: 'the document is not JSON, or names a member twice',
  not_a_key_set: 'the document is not a key set',
  no_usable_keys: 'the document holds no key that can be used',
  too_many_keys: 'the document holds more than 100 keys',
}
