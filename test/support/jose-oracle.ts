/**
 * A second opinion about tokens: jose, asked as generously as it can be asked with the same keys,
 * issuers, audiences, algorithms and clock as the gateway.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { type JWTPayload, jwtVerify, UnsecuredJWT } from 'jose'
import type { ClaimPolicy } from '../../src/protocol/claims.ts'
import type { JwtIssuerPolicy } from '../../src/verifiers/jwt/jwt-verifier.ts'
import { encode, type MintingKey } from './mint-token.ts'

/** One issuer, and every key that it signs with. */
export interface OracleIssuer {
  readonly policy: JwtIssuerPolicy
  readonly keys: readonly MintingKey[]
}

function verifyingKey({ signingKey }: MintingKey): KeyObject | Uint8Array {
  return signingKey instanceof Uint8Array ? signingKey : createPublicKey(signingKey)
}

function claimOptions(policy: ClaimPolicy, nowSeconds: number) {
  return {
    issuer: policy.issuer,
    audience: [...policy.audiences],
    clockTolerance: policy.clockToleranceSeconds,
    currentDate: new Date(nowSeconds * 1_000),
    requiredClaims: ['exp', ...policy.requiredClaims],
  }
}

export class JoseOracle {
  readonly #issuers: readonly (OracleIssuer & {
    readonly verifying: readonly (KeyObject | Uint8Array)[]
  })[]

  constructor(issuers: readonly OracleIssuer[]) {
    this.#issuers = issuers.map((issuer) => ({
      ...issuer,
      verifying: issuer.keys.map(verifyingKey),
    }))
  }

  /**
   * The claims, when jose accepts the token under any issuer with any key of that issuer. The `kid`
   * is not looked at, so that a key which the gateway did not find does not decide.
   */
  async acceptedClaims(token: string, nowSeconds: number): Promise<JWTPayload | null> {
    for (const { policy, verifying } of this.#issuers) {
      const options = {
        ...claimOptions(policy, nowSeconds),
        algorithms: [...policy.algorithms],
      }
      for (const key of verifying) {
        const payload = await jwtVerify(token, key, options).then(
          (result) => result.payload,
          () => null,
        )
        if (payload !== null) return payload
      }
    }
    return null
  }
}

/**
 * The claims, when jose accepts them whatever the signature is.
 *
 * @param payload The encoded claims.
 */
export function claimsAcceptedByJose(
  payload: string,
  policy: ClaimPolicy,
  nowSeconds: number,
): JWTPayload | null {
  const unsecured = `${encode('{"alg":"none"}')}.${payload}.`
  try {
    return UnsecuredJWT.decode(unsecured, claimOptions(policy, nowSeconds)).payload
  } catch {
    return null
  }
}
