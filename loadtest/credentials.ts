/**
 * Mints the keys and tokens of the load tests and keeps them on disk, because 50 000 signatures
 * take longer than the measurement that uses them.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generatedKey } from '../test/support/generated-key.ts'
import { PROJECT_ROOT } from './project-root.ts'
import { TOKEN_LENGTH, type TokenAlgorithm } from './scenario.ts'

export const ISSUER = 'https://idp.loadtest.example/'
export const AUDIENCE = 'api.loadtest.example'

const FOLDER = join(PROJECT_ROOT, 'build', 'loadtest-credentials')
const DAY_SECONDS = 86_400
/** Stored tokens live this long; they are minted anew when less than half of it is left. */
const LIFE_SECONDS = 30 * DAY_SECONDS

export interface Credentials {
  readonly algorithm: TokenAlgorithm
  readonly publicKeyFile: string
  readonly jwksFile: string
  /** One token a line: what the load process reads. */
  readonly tokensFile: string
  readonly tokensCount: number
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function signToken(
  key: KeyObject,
  algorithm: TokenAlgorithm,
  index: number,
  issuedAtSeconds: number,
): string {
  const header = base64url({ alg: algorithm, typ: 'JWT', kid: `loadtest-${algorithm}` })
  const claims = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: `user-${index}`,
    email: `user-${index}@example.com`,
    roles: ['reader', 'editor'],
    scope: 'read write',
    jti: `token-${algorithm}-${index}`,
    iat: issuedAtSeconds,
    exp: issuedAtSeconds + LIFE_SECONDS,
    padding: '',
  }
  const signatureLength = algorithm === 'RS256' ? 342 : 86
  const bare = header.length + base64url(claims).length + signatureLength + 2
  claims.padding = 'x'.repeat(Math.max(0, Math.floor(((TOKEN_LENGTH - bare) * 3) / 4)))
  const signed = `${header}.${base64url(claims)}`
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}

function loadKey(algorithm: TokenAlgorithm): KeyObject {
  const file = join(FOLDER, `${algorithm}.private.pem`)
  if (existsSync(file)) return createPrivateKey(readFileSync(file))
  const key =
    algorithm === 'RS256'
      ? generatedKey({ type: 'rsa', modulusLength: 2_048 })
      : generatedKey({ type: 'ec', namedCurve: 'P-256' })
  writeFileSync(file, key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  return key
}

function storedTokens(file: string, nowSeconds: number): string[] {
  if (!existsSync(file)) return []
  const tokens = readFileSync(file, 'latin1').split('\n').filter(Boolean)
  const payload = tokens[0]?.split('.')[1]
  if (payload === undefined) return []
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { exp: number }
  return claims.exp - nowSeconds > LIFE_SECONDS / 2 ? tokens : []
}

/**
 * Makes sure that at least `count` tokens of this algorithm are on disk. RS256 costs about 0.7 ms
 * a token, once.
 */
export function prepareCredentials(algorithm: TokenAlgorithm, count: number): Credentials {
  mkdirSync(FOLDER, { recursive: true })
  const key = loadKey(algorithm)
  const publicKey = createPublicKey(key)
  const publicKeyFile = join(FOLDER, `${algorithm}.public.pem`)
  const jwksFile = join(FOLDER, `${algorithm}.jwks.json`)
  const tokensFile = join(FOLDER, `${algorithm}.tokens`)
  writeFileSync(publicKeyFile, publicKey.export({ type: 'spki', format: 'pem' }))
  const jwk = publicKey.export({ format: 'jwk' })
  const described = { ...jwk, kid: `loadtest-${algorithm}`, alg: algorithm, use: 'sig' }
  writeFileSync(jwksFile, JSON.stringify({ keys: [described] }))

  const nowSeconds = Math.floor(Date.now() / 1_000)
  const tokens = storedTokens(tokensFile, nowSeconds)
  if (tokens.length < count) {
    for (let index = tokens.length; index < count; index += 1) {
      tokens.push(signToken(key, algorithm, index, nowSeconds - 60))
    }
    writeFileSync(tokensFile, `${tokens.join('\n')}\n`, { mode: 0o600 })
  }
  return { algorithm, publicKeyFile, jwksFile, tokensFile, tokensCount: tokens.length }
}
