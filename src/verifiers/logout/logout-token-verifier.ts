/**
 * Verifies logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.6) in the supervisor. They are
 * rare, so that one thread and one backend will do.
 */
import {
  findKeys,
  findNewerKeys,
  type NewerKeys,
  publishedBySeconds,
} from '../../keys/find-keys.ts'
import type { KeySource, VerificationKey } from '../../keys/key-set.ts'
import { parseClaims } from '../../protocol/claims.ts'
import { type CompactJws, parseCompactJws } from '../../protocol/compact-jws.ts'
import { type IndexedIssuer, IssuerIndex } from '../../protocol/issuer-index.ts'
import type { JwsAlgorithm } from '../../protocol/jws-algorithms.ts'
import {
  checkLogoutToken,
  type LogoutToken,
  type LogoutTokenRefusal,
} from '../../protocol/logout-token.ts'
import { type ProtectedHeader, parseProtectedHeader } from '../../protocol/protected-header.ts'
import { isNumericDate } from '../../protocol/time-claims.ts'
import { createOpensslVerifier } from '../jwt/openssl-backend.ts'
import type { SignatureVerdict } from '../jwt/signature-backend.ts'

export interface LogoutIssuer extends IndexedIssuer {
  readonly name: string
  /** Its keys are found under it. */
  readonly keySourceId: string
  /** Client identifiers that a logout token may be for. */
  readonly audiences: readonly string[]
  readonly algorithms: readonly JwsAlgorithm[]
  readonly clockToleranceSeconds: number
  /** Whether identities of this issuer are named by `sub`, as logout tokens name them. */
  readonly knowsSubjects: boolean
}

export interface VerifiedLogoutToken {
  readonly ok: true
  /** Of one with a placeholder, the issuer that the token names. */
  readonly issuer: LogoutIssuer
  readonly token: LogoutToken
}

export type LogoutVerification =
  | VerifiedLogoutToken
  | { readonly ok: false; readonly reason: LogoutTokenProblem }

/** `unavailable`: it cannot be decided now. */
export type LogoutTokenProblem =
  | LogoutTokenRefusal
  | 'malformed'
  | 'wrong_type'
  | 'unknown_issuer'
  | 'wrong_algorithm'
  | 'unknown_signing_key'
  | 'bad_signature'
  | 'unavailable'

const LOGOUT_TOKEN_LENGTH_MAX = 8_192
/** §2.4: `logout+jwt` is recommended, so that older ones may say less. */
const TYPES: readonly (string | null)[] = [null, 'jwt', 'logout+jwt']

interface ReadToken {
  readonly jws: CompactJws
  readonly header: ProtectedHeader
  readonly claims: NonNullable<ReturnType<typeof parseClaims>>
}

export class LogoutTokenVerifier {
  readonly #issuers: IssuerIndex<LogoutIssuer>
  readonly #keys: KeySource

  constructor(issuers: readonly LogoutIssuer[], keys: KeySource) {
    this.#issuers = new IssuerIndex(issuers)
    this.#keys = keys
  }

  /** Does not check whether the token was seen before. */
  async verify(text: string, nowSeconds: number): Promise<LogoutVerification> {
    const read = readToken(text)
    if (read === null) return refused('malformed')
    const { header, claims } = read
    if (!TYPES.includes(header.type)) return refused('wrong_type')
    const iss = claims['iss']
    if (typeof iss !== 'string') return refused('unknown_issuer')
    const issuer = this.#issuers.find(iss)
    if (issuer === undefined) return refused('unknown_issuer')
    if (!issuer.algorithms.includes(header.algorithm)) return refused('wrong_algorithm')
    const problem = await this.#checkSignature(text, iss, issuer, read)
    if (problem !== null) return refused(problem)
    const token = checkLogoutToken(claims, issuer, nowSeconds)
    return token.ok
      ? { ok: true, issuer: { ...issuer, issuer: iss }, token }
      : refused(token.reason)
  }

  /** When the keys at hand do not settle it: one refetch, one more look, no third. */
  async #checkSignature(
    text: string,
    iss: string,
    { keySourceId, clockToleranceSeconds }: LogoutIssuer,
    { header: { algorithm, keyId }, claims }: ReadToken,
  ): Promise<LogoutTokenProblem | null> {
    const selector = { issuer: iss, algorithm, keyId }
    const found = findKeys(this.#keys.keySet(keySourceId), selector)
    const problem = problemUnder(found, text, algorithm)
    if (problem === null || problem === 'unavailable') return problem
    const { iat } = claims
    const token = {
      sourceId: keySourceId,
      selector,
      publishedBySeconds: publishedBySeconds(
        isNumericDate(iat) ? iat : null,
        clockToleranceSeconds,
      ),
    }
    const newer = await findNewerKeys(this.#keys, token, found)
    return newer === found ? problem : problemUnder(newer, text, algorithm)
  }
}

/** `null`: the signature is good. */
function problemUnder(
  found: NewerKeys,
  text: string,
  algorithm: JwsAlgorithm,
): LogoutTokenProblem | null {
  switch (found.found) {
    case 'keys': {
      const verdict = verifySignature(text, algorithm, found.keys)
      if (verdict === 'good') return null
      return verdict === 'bad' && found.areAll ? 'bad_signature' : 'unavailable'
    }
    case 'unavailable':
    case 'unsettled':
      return 'unavailable'
    case 'unknown':
    case 'foreign':
    case 'unfit':
      return 'unknown_signing_key'
  }
}

function readToken(text: string): ReadToken | null {
  if (text.length > LOGOUT_TOKEN_LENGTH_MAX) return null
  const jws = parseCompactJws(text)
  if (jws === null) return null
  const header = parseProtectedHeader(jws.protectedHeader)
  const claims = parseClaims(jws.payload)
  return header === null || claims === null ? null : { jws, header, claims }
}

function verifySignature(
  text: string,
  algorithm: JwsAlgorithm,
  keys: readonly VerificationKey[],
): SignatureVerdict {
  const verdicts = keys.map(({ material }) =>
    createOpensslVerifier({ algorithm, ...material }).verify(text),
  )
  if (verdicts.includes('good')) return 'good'
  return verdicts.includes('failed') ? 'failed' : 'bad'
}

function refused(reason: LogoutTokenProblem): LogoutVerification {
  return { ok: false, reason }
}
