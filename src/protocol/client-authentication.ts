/** How the gateway proves to an introspection endpoint who it is (RFC 6749 §2.3, RFC 7523 §2.2). */
import { createPrivateKey, sign } from 'node:crypto'
import { JWS_ALGORITHM_TABLE } from './jws-algorithms.ts'
import { signingAlgorithmOf } from './key-algorithms.ts'
import { keyWithOptions } from './native-key.ts'

export type ClientAuthentication =
  | {
      readonly method: 'client_secret_basic'
      readonly clientId: string
      readonly clientSecret: string
    }
  | {
      readonly method: 'client_secret_post'
      readonly clientId: string
      readonly clientSecret: string
    }
  | {
      readonly method: 'private_key_jwt'
      readonly clientId: string
      /** PEM. */
      readonly privateKey: string
      readonly keyId: string | null
    }

/** What goes into one request. */
export interface ClientProof {
  /** `Authorization`; `null`: the proof is in the form. */
  readonly authorization: string | null
  readonly form: Readonly<Record<string, string>>
}

/** Makes the proof for one request to this endpoint. */
export type ProofMaker = (nowSeconds: number) => ClientProof

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const ASSERTION_LIFE_SECONDS = 60

/**
 * @param createTokenId A new `jti`, so that the endpoint can refuse a replay.
 * @throws Error When the private key is none, or of a type that signs no JWT.
 */
export function createProofMaker(
  client: ClientAuthentication,
  endpoint: string,
  createTokenId: () => string,
): ProofMaker {
  const { clientId } = client
  if (client.method === 'client_secret_post') {
    const form = { client_id: clientId, client_secret: client.clientSecret }
    return () => ({ authorization: null, form })
  }
  if (client.method === 'client_secret_basic') {
    const pair = `${formEncoded(clientId)}:${formEncoded(client.clientSecret)}`
    const authorization = `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`
    return () => ({ authorization, form: {} })
  }
  const key = createPrivateKey(client.privateKey)
  const algorithm = signingAlgorithmOf(key)
  if (algorithm === null) throw new Error('this private key signs no JWT')
  const { hash } = JWS_ALGORITHM_TABLE[algorithm]
  const signingKey = keyWithOptions(key, { dsaEncoding: 'ieee-p1363' as const })
  const kid = client.keyId === null ? {} : { kid: client.keyId }
  const header = encoded({ alg: algorithm, typ: 'JWT', ...kid })
  return (nowSeconds) => {
    const claims = {
      iss: clientId,
      sub: clientId,
      aud: endpoint,
      jti: createTokenId(),
      iat: nowSeconds,
      exp: nowSeconds + ASSERTION_LIFE_SECONDS,
    }
    const input = `${header}.${encoded(claims)}`
    const signature = sign(hash, Buffer.from(input), signingKey).toString('base64url')
    const form = {
      client_id: clientId,
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: `${input}.${signature}`,
    }
    return { authorization: null, form }
  }
}

/** RFC 6749 §2.3.1: application/x-www-form-urlencoded before base64. */
function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
