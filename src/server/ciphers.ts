/**
 * Of TLS 1.2: forward secrecy and authenticated encryption alone, as RFC 9325 §4.2 recommends. Both
 * engines speak TLS 1.2 and 1.3. The native server chooses the ciphers of the latter itself.
 */
export const CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')
