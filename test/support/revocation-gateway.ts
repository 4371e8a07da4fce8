/** Gateways behind one issuer whose keys are in a file, and what revokes its tokens. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import {
  type CredentialGateway,
  outcomeOf,
  sha256,
  startCredentialGateway,
} from './credential-gateway.ts'

export const ISSUER = 'https://idp.test/'
export const OTHER_ISSUER = 'https://other.test/'
const CLIENT = 'web'
const AUDIENCE = 'api.test'
const KEY_ID = 'one'
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

export class RevocationIssuer {
  readonly #sign: (claims: JWTPayload, header: Readonly<Record<string, string>>) => Promise<string>
  readonly settings: Readonly<Record<string, unknown>>
  #tokens = 0

  private constructor(privateKey: CryptoKey, file: string) {
    this.#sign = (claims, header) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'ES256', ...header }).sign(privateKey)
    const issuer = { audiences: [AUDIENCE], jwks: { file }, logoutAudiences: [CLIENT] }
    this.settings = {
      issuers: { main: { ...issuer, issuer: ISSUER }, other: { ...issuer, issuer: OTHER_ISSUER } },
      apiKeys: { keys: [{ sha256: sha256('a key'), userId: 'job' }] },
    }
  }

  static async create(): Promise<RevocationIssuer> {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const file = join(mkdtempSync(join(tmpdir(), 'sallyport-revocation-')), 'keys.json')
    const jwk = { ...(await exportJWK(publicKey)), kid: KEY_ID, alg: 'ES256', use: 'sig' }
    writeFileSync(file, JSON.stringify({ keys: [jwk] }))
    return new RevocationIssuer(privateKey, file)
  }

  gateway(more: Readonly<Record<string, unknown>> = {}): Promise<CredentialGateway> {
    const route = { authenticate: ['jwt', 'apiKey'] }
    return startCredentialGateway({ ...this.settings, ...more }, { '/*': route })
  }

  /** An access token, issued a minute ago so that a watermark of now is surely later. */
  token(claims: JWTPayload): Promise<string> {
    this.#tokens += 1
    const nowSeconds = Math.floor(Date.now() / 1_000)
    return this.#sign(
      {
        iss: ISSUER,
        aud: AUDIENCE,
        sub: `user ${this.#tokens}`,
        jti: `token ${this.#tokens}`,
        iat: nowSeconds - 60,
        exp: nowSeconds + 600,
        ...claims,
      },
      { kid: KEY_ID, typ: 'JWT' },
    )
  }

  logoutToken(claims: JWTPayload, header: Readonly<Record<string, string>> = {}): Promise<string> {
    this.#tokens += 1
    const nowSeconds = Math.floor(Date.now() / 1_000)
    return this.#sign(
      {
        iss: ISSUER,
        aud: CLIENT,
        jti: `logout ${this.#tokens}`,
        iat: nowSeconds,
        exp: nowSeconds + 120,
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
        ...claims,
      },
      { kid: KEY_ID, typ: 'logout+jwt', ...header },
    )
  }
}

/** The other signature of the same token that verifies just as well: (r, n - s). */
export function secondForm(token: string): string {
  const dot = token.lastIndexOf('.')
  const signature = Buffer.from(token.slice(dot + 1), 'base64url')
  const s = BigInt(`0x${signature.subarray(32).toString('hex')}`)
  const other = Buffer.from((P256_ORDER - s).toString(16).padStart(64, '0'), 'hex')
  const both = Buffer.concat([signature.subarray(0, 32), other])
  return `${token.slice(0, dot)}.${both.toString('base64url')}`
}

export async function outcomeAt(gateway: CredentialGateway, token: string): Promise<string> {
  return outcomeOf(await gateway.ask('/x', { authorization: `Bearer ${token}` }))
}

/** `POST /revocations`. */
export function revoke(gateway: CredentialGateway, body: unknown): Promise<Response> {
  return fetch(`${gateway.gateway.adminOrigin}/revocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

/** `POST /backchannel-logout`. */
export function logOut(gateway: CredentialGateway, body: string): Promise<Response> {
  return fetch(`${gateway.gateway.adminOrigin}/backchannel-logout`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body,
  })
}

/** Revocations in force at this instance. */
export async function activeRevocations(gateway: CredentialGateway): Promise<number> {
  const status = await (await fetch(`${gateway.gateway.adminOrigin}/status`)).json()
  return (status as { revocations: { active: number } }).revocations.active
}
