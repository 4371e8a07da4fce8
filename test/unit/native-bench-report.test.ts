import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { describe, it } from 'node:test'
import type { CaseResult } from '../../native-bench/bench.ts'
import { algorithmRows, signatureCaseName } from '../../native-bench/report/algorithm-table.ts'
import { BENCHES } from '../../native-bench/report/benches.ts'
import { type NativeBenchReport, renderReport } from '../../native-bench/report/render-report.ts'
import { installedVersions } from '../../native-bench/report/versions.ts'
import { proveSignatures } from '../../src/verifiers/jwt/signature-proof.ts'
import { typescriptFiles } from '../architecture/repository.ts'

/** What runs benches, and is none itself. */
const NO_BENCHES = ['bench', 'run']

function taking(name: string, micros: number): CaseResult {
  return {
    name,
    rounds: 110,
    timesPerRound: 500,
    leastMicros: micros - 0.5,
    p50Micros: micros,
    p90Micros: micros + 1,
    p99Micros: micros + 2,
  }
}

const SIGNATURES = [
  taking(signatureCaseName('RS256', 'openssl'), 20),
  taking(signatureCaseName('RS256', 'rust'), 30),
  taking(signatureCaseName('PS256', 'openssl'), 21),
  taking(signatureCaseName('ES256', 'openssl'), 62),
  taking(signatureCaseName('ES256', 'rust'), 60),
  taking(signatureCaseName('ES512', 'openssl'), 1_000),
  taking(signatureCaseName('EdDSA', 'openssl'), 40),
  taking(signatureCaseName('EdDSA', 'rust'), 80),
  taking(signatureCaseName('HS256', 'openssl'), 3),
]
const { backends } = proveSignatures()

function reportOf(part: Partial<NativeBenchReport>): NativeBenchReport {
  return {
    machine: {
      processor: 'Abacus',
      cores: 2,
      memoryGiB: 8,
      kernel: '6.1',
      node: 'v24.0.0',
      loadBefore: 0.25,
    },
    versions: [
      { name: 'Node', version: '24.0.0' },
      { name: 'OpenSSL', version: '3.5.0' },
    ],
    rounds: 11,
    bindingFault: null,
    algorithms: [],
    benches: [],
    ...part,
  }
}

/** The row of an algorithm, without the bars at its ends. */
function rowOf(markdown: string, algorithm: string): readonly string[] {
  const row = markdown.split('\n').find((line) => line.startsWith(`| ${algorithm} | `)) ?? ''
  return row.slice(2, -2).split(' | ')
}

describe('the list of benches', () => {
  it('has every bench there is, once', () => {
    const files = typescriptFiles('native-bench')
      .filter(({ path }) => path.split('/').length === 2)
      .map(({ path }) => basename(path, '.ts'))
      .filter((name) => !NO_BENCHES.includes(name))
    assert.ok(files.length >= 18, `only ${files.length} benches found: have they moved?`)
    assert.deepEqual([...BENCHES].sort(), files.sort())
  })
})

describe('the report of the benches', () => {
  it('names machine, versions and every case with its percentiles', () => {
    const result = { title: 'CPU for one thing', cases: [taking('short', 2)], note: '3 of 4' }
    const text = renderReport(reportOf({ benches: [{ kind: 'measured', name: 'thing', result }] }))
    assert.match(text, /^Machine: Abacus, 2 cores, 8 GiB, Linux 6\.1, load .* 0\.25\.$/m)
    assert.match(text, /^Versions: Node 24\.0\.0, OpenSSL 3\.5\.0\.$/m)
    assert.match(text, /^## thing\n\nCPU for one thing\.$/m)
    assert.match(text, /^\| short \| 1\.50 \| 2\.00 \| 3\.00 \| 4\.00 \| 110 \| 500 \|$/m)
    assert.match(text, /^3 of 4\.$/m)
    assert.doesNotMatch(text, /## Failed|## Signature algorithms/)
  })

  it('shows functions of a few nanoseconds as more than nothing', () => {
    const result = {
      title: 'CPU',
      cases: [{ ...taking('tiny', 0.5), leastMicros: 0.004 }],
      note: '',
    }
    const text = renderReport(reportOf({ benches: [{ kind: 'measured', name: 'tiny', result }] }))
    assert.match(text, /^\| tiny \| 0\.004 \| 0\.500 \| /m)
  })

  it('names what failed in front of all figures', () => {
    const failed = { kind: 'failed', name: 'broken', reason: 'exit code 1' } as const
    const result = { title: 'CPU', cases: [taking('short', 2)], note: '' }
    const measured = { kind: 'measured', name: 'whole', result } as const
    const text = renderReport(reportOf({ benches: [measured, failed] }))
    assert.match(text, /## Failed\n\n- `broken`: exit code 1\n\n## whole/)
  })

  it('names the releases that are installed', () => {
    const versions = new Map(installedVersions().map(({ name, version }) => [name, version]))
    assert.equal(versions.get('OpenSSL'), process.versions.openssl)
    for (const name of ['undici', 'uWebSockets.js', '@node-rs/jsonwebtoken']) {
      assert.match(versions.get(name) ?? '', /^\d+\.\d+\.\d+$/, name)
    }
  })
})

describe('the algorithm table', () => {
  const algorithms = algorithmRows(SIGNATURES, backends)
  const text = renderReport(reportOf({ algorithms }))

  it('has what each costs with each backend, and which of them the gateway uses', () => {
    assert.deepEqual(rowOf(text, 'RS256').slice(0, 4), ['RS256', '20.00', '30.00', 'openssl'])
    assert.deepEqual(rowOf(text, 'ES512').slice(0, 4), ['ES512', '1000.00', '–', 'openssl'])
    assert.equal(rowOf(text, 'ES256')[3], backends.ES256)
  })

  it('recommends the backend that is cheaper, unless they cost the same', () => {
    const proved = { ...backends, ES256: 'rust', EdDSA: 'rust' } as const
    const advice = new Map(
      algorithmRows(SIGNATURES, proved).map(({ algorithm, backendAdvice }) => [
        algorithm,
        backendAdvice,
      ]),
    )
    assert.equal(advice.get('RS256'), 'openssl; rust costs 1.5 ×')
    assert.equal(advice.get('ES256'), 'rust; openssl costs the same')
    assert.equal(advice.get('EdDSA'), '**openssl**; rust costs 2.0 × here')
    assert.equal(advice.get('ES512'), 'openssl, the only one')
  })

  it('recommends algorithms by what they cost in the gateway, and warns of shared secrets', () => {
    assert.match(rowOf(text, 'RS256')[5] ?? '', /^recommended; the others are compared/)
    assert.match(
      rowOf(text, 'ES256')[5] ?? '',
      /^good where signatures are to be short: 3\.[01] × RS256$/,
    )
    assert.equal(rowOf(text, 'ES512')[5], 'avoid where many tokens are new: 50.0 × RS256')
    assert.equal(rowOf(text, 'PS256')[5], 'recommended: 1.1 × RS256')
    assert.match(rowOf(text, 'HS256')[5] ?? '', /^only where the issuer is your own/)
  })

  it('recommends nothing that no backend can verify, and says why the binding is not used', () => {
    const none = algorithmRows(SIGNATURES, { ...backends, RS256: null })
    const rendered = renderReport(reportOf({ algorithms: none, bindingFault: 'not_installed' }))
    assert.deepEqual(rowOf(rendered, 'RS256').slice(3), [
      'none',
      'none works on this machine',
      'not usable here',
    ])
    assert.match(rendered, /^The Rust binding is not used: not_installed\.$/m)
    assert.equal(rowOf(rendered, 'ES384')[5], '–', 'not measured')
  })
})
