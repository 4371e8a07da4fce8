/**
 * What each signature algorithm costs with each backend, which of them the gateway uses, and what
 * follows for who chooses an algorithm: from the cases of native-bench/signature-backends.ts.
 */
import {
  JWS_ALGORITHM_TABLE,
  JWS_ALGORITHMS,
  type JwsAlgorithm,
  type SignatureBackendName,
} from '../../src/protocol/jws-algorithms.ts'
import type { SignatureProof } from '../../src/verifiers/jwt/signature-proof.ts'
import { type CaseResult, microsText } from '../bench.ts'

export interface AlgorithmRow {
  readonly algorithm: JwsAlgorithm
  /** Median; `null`: not measured, because this backend does not know the algorithm. */
  readonly opensslMicros: number | null
  readonly rustMicros: number | null
  /** What checks it in the gateway on this machine; `null`: nothing that works. */
  readonly usedBackend: SignatureBackendName | null
  readonly backendAdvice: string
  readonly algorithmAdvice: string
}

/** Backends whose costs are closer than this differ by less than machines do. */
const ALIKE_FACTOR = 1.1
/** What issuers sign with unless told otherwise. */
const REFERENCE: JwsAlgorithm = 'RS256'
/** Beyond so many times what that costs, a new token is dear. */
const DEAR_FACTOR = 5

const NONE = '–'

/** The name of the case that measures an algorithm with a backend. */
export function signatureCaseName(algorithm: JwsAlgorithm, backend: SignatureBackendName): string {
  return `${algorithm} ${backend}`
}

/** @param backends Which backend the gateway uses, as it proves it when it starts. */
export function algorithmRows(
  cases: readonly CaseResult[],
  backends: SignatureProof['backends'],
): readonly AlgorithmRow[] {
  const medianOf = (algorithm: JwsAlgorithm, backend: SignatureBackendName): number | null => {
    const name = signatureCaseName(algorithm, backend)
    return cases.find((one) => one.name === name)?.p50Micros ?? null
  }
  const costs = JWS_ALGORITHMS.map((algorithm) => ({
    algorithm,
    opensslMicros: medianOf(algorithm, 'openssl'),
    rustMicros: medianOf(algorithm, 'rust'),
    usedBackend: backends[algorithm],
  }))
  const compared = costs.find(({ algorithm }) => algorithm === REFERENCE)
  const reference = compared === undefined ? null : usedMicros(compared)
  return costs.map((cost) => ({
    ...cost,
    backendAdvice: backendAdvice(cost),
    algorithmAdvice: algorithmAdvice(cost, reference),
  }))
}

type Cost = Pick<AlgorithmRow, 'algorithm' | 'opensslMicros' | 'rustMicros' | 'usedBackend'>

/** What a signature costs in the gateway; `null`: not known. */
function usedMicros({ usedBackend, opensslMicros, rustMicros }: Cost): number | null {
  if (usedBackend === null) return null
  return usedBackend === 'openssl' ? opensslMicros : rustMicros
}

function backendAdvice(cost: Cost): string {
  const { usedBackend, opensslMicros, rustMicros } = cost
  if (usedBackend === null) return 'none works on this machine'
  const used = usedMicros(cost)
  const other = usedBackend === 'openssl' ? rustMicros : opensslMicros
  if (used === null) return NONE
  if (other === null) return `${usedBackend}, the only one`
  const otherName = usedBackend === 'openssl' ? 'rust' : 'openssl'
  if (used > other * ALIKE_FACTOR) {
    return `**${otherName}**; ${usedBackend} costs ${times(used / other)} here`
  }
  return other > used * ALIKE_FACTOR
    ? `${usedBackend}; ${otherName} costs ${times(other / used)}`
    : `${usedBackend}; ${otherName} costs the same`
}

function algorithmAdvice(cost: Cost, reference: number | null): string {
  if (cost.usedBackend === null) return 'not usable here'
  if (JWS_ALGORITHM_TABLE[cost.algorithm].family === 'symmetric') {
    return 'only where the issuer is your own: what verifies can sign'
  }
  const micros = usedMicros(cost)
  if (micros === null || reference === null) return NONE
  if (cost.algorithm === REFERENCE) return 'recommended; the others are compared with it'
  const ratio = `${times(micros / reference)} ${REFERENCE}`
  if (micros < reference * ALIKE_FACTOR) return `recommended: ${ratio}`
  return micros > reference * DEAR_FACTOR
    ? `avoid where many tokens are new: ${ratio}`
    : `good where signatures are to be short: ${ratio}`
}

function times(ratio: number): string {
  return `${ratio.toFixed(1)} ×`
}

/** The table as Markdown. */
export function renderAlgorithmTable(rows: readonly AlgorithmRow[]): string {
  const cell = (micros: number | null) => (micros === null ? NONE : microsText(micros))
  const lines = rows.map((row) =>
    [
      row.algorithm,
      cell(row.opensslMicros),
      cell(row.rustMicros),
      row.usedBackend ?? 'none',
      row.backendAdvice,
      row.algorithmAdvice,
    ].join(' | '),
  )
  return [
    '| algorithm | OpenSSL µs | Rust µs | the gateway uses | recommended backend | recommendation |',
    '| --- | --- | --- | --- | --- | --- |',
    ...lines.map((line) => `| ${line} |`),
  ].join('\n')
}
