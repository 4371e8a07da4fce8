/** How other systems are reached: whom to trust, how to prove who we are, and through what. */
import { type EgressProxySettings, NO_EGRESS_PROXY } from '../http/egress-proxy.ts'

/** Plain values, with secrets in them. */
export interface OutboundPath {
  /** PEM of the authorities to trust instead of the usual ones; `null`: the usual ones. */
  readonly ca: string | null
  /** PEM of the certificate that is shown to servers that ask for one; `null`: none is. */
  readonly certificate: string | null
  /** PEM of its private key; `null` with it. */
  readonly key: string | null
  readonly proxies: EgressProxySettings
}

/** What Node trusts, no certificate, and no proxy. */
export const DIRECT_PATH: OutboundPath = {
  ca: null,
  certificate: null,
  key: null,
  proxies: NO_EGRESS_PROXY,
}

/** The same for TLS of Node and of what is built on it. Certificates are always verified. */
export function tlsOptionsOf({ ca, certificate, key }: OutboundPath) {
  return {
    rejectUnauthorized: true,
    ...(ca === null ? {} : { ca }),
    ...(certificate === null || key === null ? {} : { cert: certificate, key }),
  } as const
}
