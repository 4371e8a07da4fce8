/** Whether the native code of this machine can check what the issuers sign with. */
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import { type SignatureProof, unprovenAlgorithms } from '../verifiers/jwt/signature-proof.ts'

type Issuers = readonly Pick<IssuerConfiguration, 'name' | 'algorithms' | 'keys'>[]

/** Whether any issuer's tokens come with a signature to check. */
export function needSignatures(issuers: Issuers): boolean {
  return issuers.some(({ keys }) => keys.kind !== 'none')
}

/** What keeps a gateway with these issuers from starting; `null`: nothing. For operators. */
export function signatureProblem(proof: SignatureProof, issuers: Issuers): string | null {
  const missing = issuers
    .filter(({ keys }) => keys.kind !== 'none')
    .flatMap(({ name, algorithms }) =>
      unprovenAlgorithms(proof, algorithms).map((algorithm) => `${algorithm} (issuers.${name})`),
    )
  if (missing.length === 0) return null
  return (
    `nothing on this machine checks signatures of ${missing.join(', ')}: the Rust binding is ` +
    `${proof.bindingFault ?? 'no use for it'}, and OpenSSL failed its proof`
  )
}
