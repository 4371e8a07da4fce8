/**
 * One good signature of every algorithm, made once with keys that were thrown away: what a thread
 * proves its native code with before it checks anything that matters.
 */
import { JWS_ALGORITHMS, type JwsAlgorithm } from '../../protocol/jws-algorithms.ts'
import type { SignatureKey } from './signature-backend.ts'

export interface ProofVector {
  readonly key: SignatureKey
  /** Its signature is good. */
  readonly good: string
  /** The same signature under another payload. */
  readonly bad: string
}

const RSA_KEY =
  'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAzgrEEUC0/XirgFpQyfAhHggZ60gq1Tl60Rc6eJKI+N' +
  'q0Lq1zjx9NkAjJf6OD6i+DkgCSUFjhivw+YWQfZNiW0WdfCRUgxk25z58i7d87D9ezXXQwQqUsoWrRXxZKNh6U' +
  't9TRDbYLxVk375D8HcKPe5GMu7bfCot1J8KziVmdp5+b7tTpORFkWgp6xAjdduWrSnUmrvDYkuco7E1u5GcwlY' +
  's/9i3nJ/Nny7ll2TTcdpTNnqRKIOJYtRC2Hcvc1G8Zl0qU3BNYaZ8NTbVRiHI2ftl6ThS2hcHCvI0L71Q/M4A3' +
  'QJFyFHNBoFqaVSFtsCSw08GcE9YFqaKZ6LCKGK71awIDAQAB'
const P256_KEY =
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWw/roZC/HQULAH+I7UmHoQriSuGIv6vHWH2By3RN0VO8Ul4WYb' +
  'bmN1MKP1ogzGojh8GK9k/8Hkk5ppnOeMWLUw=='
const P384_KEY =
  'MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEeLZqyIlIQyUgArfB7ExD/QJqYeTDkowh4h/BBjLDzBub1a9gDcfuGX' +
  'X5CnWoaxvlwEmVEoNbgNSHiovhv9qcpRgeW/ORtiEDpCLDMl9uxOOwUkcfpfYs/DQvHTUqsAXS'
const P521_KEY =
  'MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAPUayGgZNAu9YfXhcXVtCBTx7WfF+8G7FMz7MncJjq5lT0hjY6W' +
  'sjw49JdKsmCOQd/5tTEM63yyp5L409PBcH0TQBOX625kl7UP+4XlY22RNsgmE9gmneigayip6Ba5550+Jm1m15' +
  'qqFKHt965fzMwODkrUay++/ZJTV1kJPNto4s5W4='
const ED25519_KEY = 'MCowBQYDK2VwAyEAtEIhGAhrB9vVhit69AkCAA8poxEELnni9nUV/rWXb3w='
const SECRET = 'a secret that is no secret, for the proof at the start of a thread only'
const PAYLOAD = '{"sub":"proof"}'
const OTHER_PAYLOAD = '{"sub":"prooF"}'

/** Public key (SPKI, base64; `null`: {@link SECRET}) and signature of {@link PAYLOAD}. */
const SIGNED: Readonly<Record<JwsAlgorithm, readonly [string | null, string]>> = {
  RS256: [
    RSA_KEY,
    'lDwfTRrD_06ajTYrVFTa5ihGPbf5JrHAapCk3yWerPQl9IyA07YoOIVrg-3sPiEs-2JilmeHDtd5LMTOzqXrdT' +
      'N3Wi_xFkW_MU-A_yg08gcewGPWy7giEaWWZpdGxPA0hPlkjYp0d2BrF-9NIFNzsev20-eHCyj9wekc3msxL6FL' +
      'Bls8edtQLCB3TCQl7DajtCc24zQILYtQQGPlRmcafNTCgHxkpbo-JCeNEVv-VZ7kqjxcCQrChHBF28Ap74UHG_' +
      'D7RoFtaY1PJBA9VPm3XuFU-859fMVP6TXY9Ih5ASds4EUkneSOfy8zDzo2QjIFSMcooHJZvGWm4f2ovtAT3w',
  ],
  RS384: [
    RSA_KEY,
    'TRb7Cv3Wj4ZoGszBo2W6SnowDLLm4k-oiBDPc1xx64jWfTTfbCPBtFRm7oWkmkfmUkBpcisPpIIhXgaW14nTSx' +
      '6_w9QRR7Nmzq1k3z2MqftYGVeqacSzQ91Etokb_JOR5q8zz-uRCybTTIuK6cjMAacynU70NG39CDcKhEwaOSdL' +
      'L2iTnDUfWLk0I4-avEDehxBEZLz75yhkDAsTCcWwuMPDPUvzqA3sdjTaGuMztmtRT8Phr7tIbkUuxLZy1bjOdO' +
      '8aBLvh5gMO9eRmuBgxmUF9HJqaty9Y8qXo1tpQQt9tkBuIBIAlTZ_N_SmM3UWwgpUV6ki6-MkvLci8wL7Z5Q',
  ],
  RS512: [
    RSA_KEY,
    'S3NP1R6HZDorjU5q4Ob1tyf4U_OM_aHyxLsiqOy4Tob0vRxR0Tx9WQ0WytFoDMRIpCaP-w3AuI11_0koFnAYT-' +
      'WUIk6hziheTkVbXEzHpO0-scgS1XJ1xtlBqu99i_CKK3yVJjrJVPBjAfPuwPCeuSv50XpXrdq5mqAYlaFO3ZtZ' +
      'RrwJ6mgnFVVQ0npaneYEeVrtgW3NwpZM5WjqHiT2Biv0UvkZ2CxwWvvAoIzw_ghbg5Hbw7m3slkBjocSzbN1My' +
      'gQLijjsr6dsDyNfSS-K6haGwYKMc5UawgAqoiblcUmDOeLdiGcB9BQxQMXm82xvDL36kCdizWUgm9yZi-tOQ',
  ],
  PS256: [
    RSA_KEY,
    'QKV1WeoMkkMIKyCUeQI3fGSYxIOaJtZ6RVNhqfhOAB8a2Hk0MuxwOJSAZLTvAPxuZtV8HP8O3L6607Vaeg06kQ' +
      'wTIyWokU3nZa8rfaDjABdl8ZT4EWk1-mdWkJ_T7N7m9gVg76xrOGatTB0rVXQwr191PPG8oZouiZltM5LPpGZv' +
      '0tGyAkpzZqPki4mc8V7kSXUL56dqVhrFfLxLhdqAKG0QY5DuVqrHLakX5tiKWufsNMNb1wWYJPsv-_EWo2Uq0j' +
      'v_J7SAiQuRuaKkRivbRzUBvTiHzPewMokGLYTRXsK7IQe4uW8S_haGe9z8cwyyEQi0VFa1Sl7XJ5h1e3GLXA',
  ],
  PS384: [
    RSA_KEY,
    'LU7iRrkL7-BWZFiydcqkTqcM8N8AtKbEg8z5T5G7iu9UaDrE3aHtoZVPsJdmvcnsAqA41tHvezqsPi62DZWhbk' +
      'sj6H-jiCwzV-EwNUxZkZJy0gba-DMQq25ADn4dnR_nb_VRZVLYHsDy5yQ5MtkXMhSxCk8AgNtYIR9_WW7M03M5' +
      'm1z2QYt9FbYeqtEUyFDdRSnVvrduzub_BFlKC4x1XaNxT7eGr3E5BObrLY6htUjDpoGd62MZErsO5pC7vbyopC' +
      '2o0iemMoWBLQn4rK79zS3SlGqXAU7tqgJvXW15TXZhyDSG_ooyOOhOz8z8Bc_gi3yNumdu2Y8EhEs_YWqEHA',
  ],
  PS512: [
    RSA_KEY,
    'MpmZrW5O7B8ZOCj9aRsCdjf1JvCF1_bsuZQwB8srIFJwcwrV_HnLr6Wyn5BQluZW9qkFfXPPTzRs_OjNXoZrZb' +
      '9gOrW7h6sS0CGUT1drQwsSONRX9JKSklmVEBJVHN4zFiOmioOCXNoNWuqU4A007fnVO5ivEP5eviRyzzGXzceZ' +
      'ZQdL_dCBbqJxSYooylNl-QET9ZBP1Z6YIFjfNpebvT7ZthsfqJAoYUEqoGVG_xAC8MFu_AjO3SYQx_XCnvn5Ra' +
      '8wX2gEP5_V5nRapAYyMBfrZyPD-gcDFl_nFEs_zNVCerU3uoTEFHwbYC6lH2xC42DsPTmadOrktHARpJVA1w',
  ],
  ES256: [
    P256_KEY,
    'gPA6n9eG0Ho8A8RQdGhVxtUdK2ge-DDir6CVxxZpgg0uBmOPn8aSXy8oJq_MyRuRLJFQZ79j7AXl9JqpT-TH4g',
  ],
  ES384: [
    P384_KEY,
    'WoxtxLWVxF7LWLq75TxfgL594bh_VycKPYEOMNCtcAlBTQoXQrAy423AKDMoZrXKX-cDmiWO5hiy2HmSx-mQuP' +
      'H0wRv1VJTJAUXMR5C9klIGK5NQtCyEz5oICaIxvyzb',
  ],
  ES512: [
    P521_KEY,
    'AN_6OmlRZxuYoVk_qzIh4SFAiYEMsgwTNxkrdwqmYqEZ7PABUQ3PXBOPbPCZq0eDvsAFy2FjeNVXUvgx_CncTh' +
      '-aAfCTGlDwzNuf_JTd6P8Cb_Rx6-iPM0C2OGphYhNNgivINOJUfDKmD57ZfIGqBW1-yDqhwgbAbDOr63A2s1Iu' +
      'E1Kn',
  ],
  EdDSA: [
    ED25519_KEY,
    'BtJ4PDy41barh9bR8uc6A0e6tWmK_Uog2PCkl_Ew-5Bqe-t68qIXVrm5YB684nddITPrkFdGIhBbJjbLK4pKDw',
  ],
  HS256: [null, 'eH55bpUSDc-ukYM40-9AJMenCwo9-yk1OqWNF-if0Cc'],
  HS384: [null, 'k95fStadZONVM9S5OHJzOhyOzkiYjBXN2rqgmmS65e8tbVb9h41cXZwvdj-SX3pX'],
  HS512: [
    null,
    '-fs7FxkhuVpAG5QJJW3Gc1WqtbzLJ1YRdciLwDn2DvEG7y3S-zD0w3QE2gszeH81B6NzqvChllFINE9wUXRh6Q',
  ],
}

export function proofVectors(): readonly ProofVector[] {
  return JWS_ALGORITHMS.map((algorithm) => {
    const [spki, signature] = SIGNED[algorithm]
    const header = encode(`{"alg":"${algorithm}"}`)
    return {
      key: signatureKey(algorithm, spki),
      good: `${header}.${encode(PAYLOAD)}.${signature}`,
      bad: `${header}.${encode(OTHER_PAYLOAD)}.${signature}`,
    }
  })
}

function signatureKey(algorithm: JwsAlgorithm, spki: string | null): SignatureKey {
  if (spki === null) return { algorithm, kind: 'secret', secret: Buffer.from(SECRET) }
  const spkiPem = `-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----\n`
  return { algorithm, kind: 'public', spkiPem }
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}
