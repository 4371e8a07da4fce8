/** Issuers that several tenants share or have for themselves, and tokens of them. */
import { SignJWT } from 'jose'

const TENANT_SECRET = 'a secret of the issuer main, long enough for HS256'
const OTHER_SECRET = 'a secret of the issuer that only globex lists: HS256'
const AUDIENCE = 'api.test'

export const TENANT_ISSUERS = {
  main: {
    issuer: 'https://main.test/',
    audiences: [AUDIENCE],
    algorithms: ['HS256'],
    secret: TENANT_SECRET,
  },
  own: {
    issuer: 'https://own.test/',
    audiences: [AUDIENCE],
    algorithms: ['HS256'],
    secret: OTHER_SECRET,
  },
}

/** A token of one of these issuers; `null`: without a tenant claim. */
export async function tenantToken(
  tenant: unknown,
  issuer: keyof typeof TENANT_ISSUERS = 'main',
  subject = 'alice',
): Promise<string> {
  const { issuer: iss, secret } = TENANT_ISSUERS[issuer]
  const claims = tenant === null ? {} : { tenant_id: tenant }
  return new SignJWT({ ...claims, scope: 'read' })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(iss)
    .setAudience(AUDIENCE)
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(Buffer.from(secret))
}
