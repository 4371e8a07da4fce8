/** Proves on this machine what checks signatures, and says what a gateway would make of it. */
import type { GatewayConfiguration } from '../config/sections.ts'
import { signatureProblem } from '../listener/signature-problem.ts'
import { type BindingFault, proveSignatures } from '../verifiers/jwt/signature-proof.ts'
import type { Terminal } from './terminal.ts'

const FAULTS: Readonly<Record<BindingFault, string>> = {
  not_installed: 'is not installed for this platform',
  does_not_load: 'does not load',
  failed_proof: 'failed its proof',
}

/** @returns Whether a gateway with this configuration could check every signature. */
export function checkSignatures({ issuers }: GatewayConfiguration, terminal: Terminal): boolean {
  const proof = proveSignatures()
  const problem = signatureProblem(proof, issuers)
  if (problem !== null) {
    terminal.printError(`signatures: ${problem}`)
    return false
  }
  if (proof.bindingFault === null) {
    terminal.print('signatures: the Rust binding and OpenSSL work')
  } else {
    const fault = FAULTS[proof.bindingFault]
    terminal.printError(`signatures: the Rust binding ${fault}; OpenSSL checks all algorithms`)
  }
  return true
}
