/**
 * Which keys an issuer has, told apart by where they are fetched and what they are trusted for:
 * requests of two configurations find the keys of their own one, though an issuer of the same name
 * has others in each.
 */
import { certificateIn } from '../config/pem.ts'
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import { resourceKey } from './resources.ts'

/**
 * The same for two configurations whose keys of this issuer are the same. How long keys are good,
 * when they are fetched and where copies lie is no part of it. Bears no secret: a digest.
 */
export function keySourceOf(configuration: IssuerConfiguration): string {
  const { name, issuer, discoveryIssuer, algorithms, keys, path } = configuration
  const trusted = { issuer, discoveryIssuer, algorithms: [...algorithms].sort() }
  return resourceKey(`keys of ${name}`, { ...trusted, ...whereFrom(keys, path.ca) })
}

/**
 * The same for two configurations of which one may start with the copies of the other. Beside what
 * makes the keys the same it tells by whom they were given out, and to whom: an issuer may have
 * others for another client. A certificate that is renewed under its names, and a header file that
 * is replaced, make no other client. Bears no secret: a digest.
 */
export function keyCopyOf(configuration: IssuerConfiguration): string {
  const { name, keys, path } = configuration
  const asked = {
    source: keySourceOf(configuration),
    certificate: path.certificate === null ? null : namesIn(path.certificate),
    fields: keys.kind === 'jwks' ? keys.fields.map((field) => ({ ...field })) : [],
  }
  return resourceKey(`copy of the keys of ${name}`, asked)
}

/** Whom a certificate is for. */
function namesIn(pem: string): object {
  const { subject = '', subjectAltName = '' } = certificateIn(Buffer.from(pem)) ?? {}
  return { subject, subjectAltName }
}

/** Whom to trust belongs to it: under other authorities, the keys are to be fetched anew. */
function whereFrom(keys: IssuerConfiguration['keys'], ca: string | null): object {
  switch (keys.kind) {
    case 'none':
      return {}
    case 'secret':
      return { secret: Buffer.from(keys.secret).toString('base64url') }
    case 'jwks':
      return { location: keys.location, allowInsecureHttp: keys.allowInsecureHttp, ca }
  }
}
