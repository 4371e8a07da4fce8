/** What can be revoked of issuers with a placeholder, and whose share of the index that takes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createIssuerTemplate } from '../../src/protocol/issuer-template.ts'
import { issuerKey } from '../../src/revocation/revocation-key.ts'
import { RevocationScope } from '../../src/revocation/revocation-scope.ts'

const ENTRA = 'https://login.microsoftonline.com/{tenantid}/v2.0'
const contoso = ENTRA.replace('{tenantid}', 'contoso')
const fabrikam = ENTRA.replace('{tenantid}', 'fabrikam')

const common = { clockToleranceSeconds: 5, tokenLifeMaxSeconds: 3_600, hasEndlessTokens: false }
const scope = new RevocationScope({
  issuers: [
    {
      issuer: ENTRA,
      template: createIssuerTemplate(ENTRA, { claim: 'tid', values: ['contoso', 'fabrikam'] }),
      ...common,
    },
    { issuer: 'https://main.test/', template: null, ...common },
  ],
  sessionLifeMaxSeconds: null,
  hasApiKeys: false,
})

describe('a revocation at an issuer with a placeholder', () => {
  it('names one of its issuers, and never the placeholder or another tenant', () => {
    const isCovered = (issuer: string) => scope.policyOf({ kind: 'issuer', issuer, value: '' }).ok
    assert.deepEqual([contoso, fabrikam].map(isCovered), [true, true])
    const foreign = [ENTRA, ENTRA.replace('{tenantid}', 'northwind'), `${contoso}/`, '']
    assert.deepEqual(foreign.map(isCovered), [false, false, false, false])
  })

  it('takes a place of the share that all of them have together', () => {
    assert.equal(scope.sharerOf(contoso), issuerKey(ENTRA))
    assert.equal(scope.sharerOf(fabrikam), issuerKey(ENTRA))
    assert.equal(scope.sharerOf('https://main.test/'), issuerKey('https://main.test/'))
    assert.equal(scope.sharerOf(''), issuerKey(''))
  })
})
