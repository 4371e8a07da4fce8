/** Claims as providers issue them: which of them are good here, and what bounces beside them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ClaimPolicy, checkClaims } from '../../src/protocol/claims.ts'
import { createIssuerTemplate } from '../../src/protocol/issuer-template.ts'
import type { JsonObject } from '../../src/protocol/strict-json.ts'
import { CLAIM_POLICY, sourceOf } from '../support/jwt-policy.ts'
import { NOW_SECONDS } from '../support/mint-token.ts'

const LIVE = { iat: NOW_SECONDS - 60, exp: NOW_SECONDS + 3_600, jti: 'id-1', sub: 'user-1' }

function outcomeOf(part: Partial<ClaimPolicy>, claims: JsonObject): string {
  const policy = { ...CLAIM_POLICY, ...part }
  const result = checkClaims({ ...LIVE, ...claims }, policy, NOW_SECONDS)
  return result.kind === 'refused' ? result.reason : `${result.identity.issuer} passed`
}

function template(issuer: string, values: readonly string[] | null, claim = 'tid') {
  return { issuer, template: createIssuerTemplate(issuer, { claim, values }) }
}

const CONTOSO = '72f988bf-86f1-41af-91ab-2d7cd011db47'
const FABRIKAM = '5e1f1a6c-0a2b-4a40-8d0c-5b8d2f5a1c11'
const PERSONAL = '9188040d-6c67-4c5b-b112-36a304b66dad'

describe('Entra ID with several tenants', () => {
  const v2 = {
    ...template('https://login.microsoftonline.com/{tenantid}/v2.0', [CONTOSO, FABRIKAM]),
    audiences: ['api://orders'],
  }
  const of = (iss: string, tid: unknown, more: JsonObject = {}) =>
    outcomeOf(v2, { iss, tid, aud: 'api://orders', ver: '2.0', ...more })

  it('has tokens of version 2 whose issuer is that of the tenant in tid', () => {
    for (const tenant of [CONTOSO, FABRIKAM]) {
      const iss = `https://login.microsoftonline.com/${tenant}/v2.0`
      assert.equal(of(iss, tenant), `${iss} passed`)
    }
  })

  it('has tokens of version 1 from another host, with a slash at the end', () => {
    const v1 = {
      ...template('https://sts.windows.net/{tenantid}/', [CONTOSO]),
      audiences: ['api://orders'],
    }
    const claims = { iss: `https://sts.windows.net/${CONTOSO}/`, aud: 'api://orders', ver: '1.0' }
    assert.equal(outcomeOf(v1, { ...claims, tid: CONTOSO }), `${claims.iss} passed`)
    assert.equal(outcomeOf(v1, { ...claims, tid: FABRIKAM }), 'issuer_value_mismatch')
    assert.equal(outcomeOf(v2, { ...claims, tid: CONTOSO }), 'issuer_mismatch')
    const bare = { ...claims, iss: `https://sts.windows.net/${CONTOSO}`, tid: CONTOSO }
    assert.equal(outcomeOf(v1, bare), 'issuer_mismatch')
  })

  it('cannot have one tenant speak for another, nor for none', () => {
    const iss = `https://login.microsoftonline.com/${CONTOSO}/v2.0`
    const foreign = [
      ...[FABRIKAM, undefined, null, '', [CONTOSO], 7, {}, true, `${CONTOSO} `],
      ...[CONTOSO.toUpperCase(), `${CONTOSO}\0`, '*', '{tenantid}'],
    ]
    for (const tid of foreign) {
      assert.equal(of(iss, tid), 'issuer_value_mismatch', JSON.stringify(tid))
    }
  })

  it('refuses tenants that are not listed, and what only looks like a listed one', () => {
    const values = [
      ...[PERSONAL, 'common', 'organizations', '{tenantid}', '*', '', '.', '..', `${CONTOSO}/..`],
      ...[`x/../${CONTOSO}`, `${CONTOSO}%2f`, `%2e%2e/${CONTOSO}`, CONTOSO.toUpperCase()],
      ...[`${CONTOSO}\n`, `${CONTOSO}.`, `${CONTOSO}#`, `evil.test/${CONTOSO}`],
    ]
    for (const value of values) {
      const iss = `https://login.microsoftonline.com/${value}/v2.0`
      assert.equal(of(iss, value), 'issuer_mismatch', JSON.stringify(value))
    }
  })

  it('takes any tenant where that is said, and still one that tid confirms', () => {
    const any = { ...v2, ...template('https://login.microsoftonline.com/{tenantid}/v2.0', null) }
    const ofAny = (value: string, tid: unknown) =>
      outcomeOf(any, {
        iss: `https://login.microsoftonline.com/${value}/v2.0`,
        tid,
        aud: 'api://orders',
      })
    assert.match(ofAny(PERSONAL, PERSONAL), / passed$/)
    assert.equal(ofAny(PERSONAL, CONTOSO), 'issuer_value_mismatch')
    for (const value of ['', '..', 'a/b', 'a%2fb', 'a..b', 'té', '{tenantid}', 'x'.repeat(129)]) {
      assert.equal(ofAny(value, value), 'issuer_mismatch', value)
    }
  })

  it('still needs this audience', () => {
    const iss = `https://login.microsoftonline.com/${CONTOSO}/v2.0`
    assert.equal(of(iss, CONTOSO, { aud: 'api://billing' }), 'audience_mismatch')
    assert.equal(
      of(iss, CONTOSO, { aud: '00000003-0000-0000-c000-000000000000' }),
      'audience_mismatch',
    )
  })

  it('needs no tid of Azure AD B2C, whose issuer is written out', () => {
    const iss = `https://contoso.b2clogin.com/${CONTOSO}/v2.0/`
    const b2c = { issuer: iss, audiences: ['orders'] }
    const claims = { iss, aud: 'orders', tfp: 'B2C_1_signin' }
    assert.equal(outcomeOf(b2c, claims), `${iss} passed`)
    const other = { ...claims, iss: `https://fabrikam.b2clogin.com/${CONTOSO}/v2.0/` }
    assert.equal(outcomeOf(b2c, other), 'issuer_mismatch')
  })
})

describe('an issuer that is written out beside a placeholder', () => {
  it('is none of those that the placeholder stands for', () => {
    const of = (values: readonly string[] | null) =>
      createIssuerTemplate('https://idp.test/{tenant}/v2', { claim: 'tid', values }, [
        'https://idp.test/own/v2',
        'https://else.test/',
      ])
    for (const values of [null, ['own', 'other']]) {
      assert.equal(of(values)?.valueIn('https://idp.test/other/v2'), 'other')
      assert.equal(of(values)?.valueIn('https://idp.test/own/v2'), null)
    }
    assert.deepEqual(of(null)?.except, ['https://idp.test/own/v2'])
  })
})

describe('tokens without aud', () => {
  const iss = 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI'
  const cognito = { issuer: iss, audiences: [], clientIds: ['1h57kf5cpq17m0eml12EXAMPLE'] }
  const access = {
    iss,
    client_id: '1h57kf5cpq17m0eml12EXAMPLE',
    token_use: 'access',
    scope: 'orders/read',
    username: 'user-1',
  }

  it('are access tokens of Amazon Cognito, for the clients that are listed', () => {
    assert.equal(outcomeOf(cognito, access), `${iss} passed`)
    assert.equal(outcomeOf(cognito, { ...access, aud: null }), `${iss} passed`)
  })

  it('bounce without the list, for another client, and for none', () => {
    assert.equal(outcomeOf({ issuer: iss }, access), 'audience_mismatch')
    for (const client_id of ['other', '', undefined, null, 7, [access.client_id], {}]) {
      const outcome = outcomeOf(cognito, { ...access, client_id })
      assert.equal(outcome, 'client_not_accepted', JSON.stringify(client_id))
    }
  })

  it('name their client where claims.clientId of the issuer says, as cid of Okta', () => {
    const sources = { ...CLAIM_POLICY.sources, clientId: sourceOf('clientId', 'cid') }
    const okta = { ...cognito, sources }
    const claims = { iss, cid: access.client_id }
    assert.equal(outcomeOf(okta, claims), `${iss} passed`)
    assert.equal(outcomeOf(okta, { ...claims, cid: 'other' }), 'client_not_accepted')
    assert.equal(outcomeOf(okta, { ...claims, cid: [access.client_id] }), 'client_not_accepted')
    assert.equal(outcomeOf(okta, access), 'client_not_accepted')
    const forged = { ...access, client_id: 7, azp: access.client_id }
    assert.equal(outcomeOf(cognito, forged), 'client_not_accepted')
  })

  it('are not tokens with a foreign aud, whatever client they name', () => {
    for (const aud of ['other', ['other'], '', access.client_id, 7, {}, [7], true]) {
      assert.equal(outcomeOf(cognito, { ...access, aud }), 'audience_mismatch', JSON.stringify(aud))
    }
  })

  it('are not the ID and refresh tokens of Cognito', () => {
    const id = { ...access, aud: access.client_id, token_use: 'id' }
    assert.equal(outcomeOf(cognito, id), 'audience_mismatch')
    assert.equal(outcomeOf(cognito, { ...access, token_use: 'id' }), 'foreign_kind_of_token')
    assert.equal(outcomeOf(cognito, { ...access, token_use: 'refresh' }), 'foreign_kind_of_token')
  })

  it('are tokens of Ory Hydra that were asked for without an audience', () => {
    const hydra = { issuer: 'https://hydra.test/', audiences: [], clientIds: ['app'] }
    const claims = { iss: hydra.issuer, aud: [], client_id: 'app' }
    assert.equal(outcomeOf(hydra, claims), 'https://hydra.test/ passed')
    assert.equal(outcomeOf(hydra, { ...claims, client_id: 'else' }), 'client_not_accepted')
    assert.equal(outcomeOf({ issuer: hydra.issuer }, claims), 'audience_mismatch')
  })

  it('are tokens of Keycloak without an audience mapper, whose client is in azp', () => {
    const keycloak = { issuer: 'https://kc.test/realms/a', audiences: [], clientIds: ['web'] }
    const claims = { iss: keycloak.issuer, typ: 'Bearer', azp: 'web' }
    assert.match(outcomeOf(keycloak, claims), / passed$/)
    assert.equal(outcomeOf(keycloak, { ...claims, azp: 'admin-cli' }), 'client_not_accepted')
    // `client_id` comes first, so that azp cannot speak over it.
    assert.equal(outcomeOf(keycloak, { ...claims, client_id: 'x' }), 'client_not_accepted')
    assert.equal(outcomeOf(keycloak, { ...claims, typ: 'Refresh' }), 'foreign_kind_of_token')
  })
})

describe('issuers and audiences of', () => {
  const both = (policy: Partial<ClaimPolicy>, claims: JsonObject, foreign: JsonObject) => {
    const found = [claims, { ...claims, ...foreign }].map((it) => outcomeOf(policy, it))
    return found.map((it) => it.replace(/^.* passed$/, 'passed'))
  }

  it('Auth0: several audiences, and a slash at the end of the issuer', () => {
    const issuer = 'https://tenant.eu.auth0.com/'
    const policy = { issuer, audiences: ['https://api.example.com'] }
    const aud = ['https://api.example.com', 'https://tenant.eu.auth0.com/userinfo']
    const claims = { iss: issuer, aud, azp: 'app' }
    const bare = { iss: 'https://tenant.eu.auth0.com' }
    assert.deepEqual(both(policy, claims, bare), ['passed', 'issuer_mismatch'])
    const userinfo = { aud: ['https://tenant.eu.auth0.com/userinfo'] }
    assert.deepEqual(both(policy, claims, userinfo), ['passed', 'audience_mismatch'])
  })

  it('Keycloak: account, unless a mapper adds the service', () => {
    const issuer = 'https://kc.test/realms/shop'
    const policy = { issuer, audiences: ['orders'] }
    const claims = { iss: issuer, aud: ['orders', 'account'], typ: 'Bearer', azp: 'web' }
    assert.deepEqual(both(policy, claims, { aud: 'account' }), ['passed', 'audience_mismatch'])
    const otherRealm = { iss: 'https://kc.test/realms/other' }
    assert.deepEqual(both(policy, claims, otherRealm), ['passed', 'issuer_mismatch'])
  })

  it('Okta: a custom authorization server, and not the one of the organisation', () => {
    const issuer = 'https://dev-1.okta.com/oauth2/default'
    const policy = { issuer, audiences: ['api://default'] }
    const claims = { iss: issuer, aud: 'api://default', cid: 'app', scp: ['read'] }
    const organisation = { iss: 'https://dev-1.okta.com', aud: 'https://dev-1.okta.com' }
    assert.deepEqual(both(policy, claims, organisation), ['passed', 'issuer_mismatch'])
  })

  it('Google: with and without its scheme, which are two issuers', () => {
    const claims = { iss: 'accounts.google.com', aud: 'app.apps.googleusercontent.com', azp: 'x' }
    const policy = { issuer: claims.iss, audiences: [claims.aud] }
    const other = { iss: 'https://accounts.google.com' }
    assert.deepEqual(both(policy, claims, other), ['passed', 'issuer_mismatch'])
    assert.deepEqual(both(policy, claims, { at_hash: 'x' }), ['passed', 'foreign_kind_of_token'])
  })

  it('Kubernetes: a list of audiences, and the cluster as issuer', () => {
    const issuer = 'https://kubernetes.default.svc.cluster.local'
    const policy = { issuer, audiences: ['orders'] }
    const claims = {
      iss: issuer,
      aud: ['orders'],
      sub: 'system:serviceaccount:shop:web',
      'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'web', uid: 'u' } },
    }
    const forServer = { aud: ['https://kubernetes.default.svc.cluster.local', 'k3s'] }
    assert.deepEqual(both(policy, claims, forServer), ['passed', 'audience_mismatch'])
  })

  it('ADFS and Zitadel: a URN, and the numbers of a project and its clients', () => {
    const adfs = 'https://fs.example.com/adfs/services/trust'
    const aud = 'urn:microsoft:userinfo'
    const claims = { iss: adfs, aud: 'microsoft:identityserver:orders' }
    const policy = { issuer: adfs, audiences: [claims.aud] }
    assert.deepEqual(both(policy, claims, { aud }), ['passed', 'audience_mismatch'])
    const zitadel = { issuer: 'https://x.zitadel.cloud', audiences: ['220000'] }
    const token = { iss: zitadel.issuer, aud: ['220001', '220000'] }
    const number = { aud: [220_000] }
    assert.deepEqual(both(zitadel, token, number), ['passed', 'audience_mismatch'])
  })
})

describe('the audiences that routes ask for', () => {
  it('are kept where the token names them, and no others', () => {
    const kept = (keptAudiences: readonly string[], aud: unknown) => {
      const policy = { ...CLAIM_POLICY, audiences: ['api', 'orders', 'billing'], keptAudiences }
      const claims = { ...LIVE, iss: CLAIM_POLICY.issuer, aud } as JsonObject
      const result = checkClaims(claims, policy, NOW_SECONDS)
      return result.kind === 'checked' ? result.identity.audiences : result.reason
    }
    assert.deepEqual(kept([], ['orders', 'billing']), [])
    assert.deepEqual(kept(['billing', 'orders'], ['orders', 'api']), ['orders'])
    assert.deepEqual(kept(['orders'], 'api'), [])
    assert.deepEqual(kept(['__proto__', 'length'], 'api'), [])
  })
})
