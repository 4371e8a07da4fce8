import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkIssuersDiffer } from '../../src/config/sections/issuers/issuer-names.ts'

/** Issuers with a placeholder each, which count how often their values are looked at. */
function templates(count: number, suffixOf: (index: number) => string) {
  const reads = { count: 0 }
  const issuers = Array.from({ length: count }, (_, index) => {
    const values = { claim: 'tid', values: ['acme'], iUnderstand: false, discovery: null }
    return [
      `issuer-${index}`,
      {
        issuer: `https://idp.example.com/{tenant}/${suffixOf(index)}`,
        get issuerValues() {
          reads.count += 1
          return values
        },
      },
    ] as const
  })
  return { reads, issuers: new Map(issuers) }
}

function problemsOf(issuers: Parameters<typeof checkIssuersDiffer>[0]): string[] {
  const problems: string[] = []
  checkIssuersDiffer(issuers, (path, message) => problems.push(`${path.join('.')} ${message}`))
  return problems
}

describe('issuers with a placeholder', () => {
  it('are compiled once each, and not for each other one that they are compared with', () => {
    const { reads, issuers } = templates(200, (index) => `v${index}`)
    assert.deepEqual(problemsOf(issuers), [])
    assert.ok(reads.count <= 200 * 3, `${reads.count} reads`)
  })

  it('are refused where two of them can be the same issuer', () => {
    const { issuers } = templates(3, (index) => `v${index % 2}`)
    assert.match(
      problemsOf(issuers).join('\n'),
      /^issuers\.issuer-2\.issuerValues .*issuer-0: list/,
    )
  })
})
