/** How the gateway proves to an introspection endpoint who it is (RFC 6749 §2.3, RFC 7523 §2.2). */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto'

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
  const algorithm = algorithmOf(key)
  const kid = client.keyId === null ? {} : { kid: client.keyId }
  const header = encoded({ alg: algorithm.name, typ: 'JWT', ...kid })
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
    const signature = sign(algorithm.hash, Buffer.from(input), {
      key,
      dsaEncoding: 'ieee-p1363',
    }).toString('base64url')
    const form = {
      client_id: clientId,
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: `${input}.${signature}`,
    }
    return { authorization: null, form }
  }
}

interface SigningAlgorithm {
  readonly name: string
  /** `null`: the algorithm hashes by itself. */
  readonly hash: string | null
}

/** By type and curve (RFC 7518 §3.1, RFC 8037 §3.1). */
const CURVES: Readonly<Record<string, SigningAlgorithm>> = {
  prime256v1: { name: 'ES256', hash: 'sha256' },
  secp384r1: { name: 'ES384', hash: 'sha384' },
  secp521r1: { name: 'ES512', hash: 'sha512' },
}

function algorithmOf(key: KeyObject): SigningAlgorithm {
  const type = key.asymmetricKeyType
  if (type === 'rsa') return { name: 'RS256', hash: 'sha256' }
  if (type === 'ed25519') return { name: 'EdDSA', hash: null }
  const curve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? '']
  if (curve === undefined) throw new Error('this private key signs no JWT')
  return curve
}

/** RFC 6749 §2.3.1: application/x-www-form-urlencoded before base64. */
function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
