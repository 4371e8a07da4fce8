/** Which names of fields may be kept although servers behind may not tell them from others. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ISSUERS, parseText, problemLinesOf } from '../support/configuration-text.ts'

/** JSON is YAML. */
function text(keepHeaders: readonly string[], more: object = {}): string {
  return JSON.stringify({
    server: { keepHeaders },
    issuers: ISSUERS,
    apiKeys: { header: 'X-Service-Key', keys: [] },
    identity: { headers: { userId: 'X-Subject', custom: { 'X-Department': 'department' } } },
    tenants: { registry: { acme: {} }, resolve: [{ from: 'header', name: 'X-Tenant' }] },
    upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
    routes: [
      {
        name: 'all',
        match: { path: '/*' },
        upstream: 'users',
        authenticate: ['jwt', 'apiKey'],
        credentials: [{ from: 'header', name: 'X-Token' }],
        apiKeyPlaces: [{ from: 'header', name: 'X-Machine' }],
        require: { claims: [{ path: 'region', equalsHeader: 'X-Region' }] },
        headers: {
          request: { set: { 'X-Env': 'prod' }, add: { 'X-Zone': 'eu' }, remove: ['X-Debug'] },
        },
      },
    ],
    ...more,
  })
}

describe('names of fields that are kept', () => {
  it('are those that would be dropped otherwise, in any case', () => {
    const { server } = parseText(text(['DOWNLOAD_URI', 'x.trace', 'api_key', "a!#$%&'*+^`|~b"]))
    assert.deepEqual(server.keepHeaders, ['download_uri', 'x.trace', 'api_key', "a!#$%&'*+^`|~b"])
    for (const name of ['X-Plain', 'plain', '', 'a b', 'a:b', 'ü_x', `_${'x'.repeat(64)}`]) {
      assert.equal(problemLinesOf(text([name])).length, 1, name)
    }
  })

  it('are no spellings of fields that only the gateway may set', () => {
    for (const name of [
      ...['X_User_Id', 'x.user.id', 'X-User_Id', 'x_userid', 'X_USER-ID', 'x!user!id'],
      ...[
        'X_Tenant_Id',
        'X_User_Roles',
        'X_Token_Scopes',
        'X_Request_Id',
        'X_Auth_Status',
        'X_Session_Id',
      ],
      ...['X_Subject', 'X_Department', 'x.department'],
      ...['X_Forwarded_For', 'X.Forwarded.Proto', 'X_Forwarded_Anything', 'X_Real_IP'],
      ...['X_Original_URL', 'X_HTTP_Method_Override', 'Client_IP', 'X_Remote_Addr'],
    ]) {
      assert.match(problemLinesOf(text([name])).join(), /server\.keepHeaders\[0\]/, name)
    }
  })

  it('are no spellings of fields that services believe a proxy, or that a route edits', () => {
    for (const name of [
      ...['X_Remote_User', 'X_Webauth_User', 'SM_USER', 'Remote.User', 'X_Authentik_Username'],
      ...['X_SSO_User', 'Client_Cert', 'SSL_Client_Verify', 'X_Auth_Request_User', 'X_UserInfo!'],
      ...['X_Env', 'x.zone', 'X_DEBUG', 'Trace_Parent', 'Trace.State'],
    ]) {
      assert.match(problemLinesOf(text([name])).join(), /server\.keepHeaders\[0\]/, name)
    }
  })

  it('are no spellings of fields that HTTP or the gateway itself reads', () => {
    for (const name of [
      ...[
        'Content_Length',
        'Transfer_Encoding',
        'Content_Type',
        'Transfer.Encoding',
        'Transfer!Encoding',
      ],
      ...['Author_ization', 'Cook_ie', 'Sec_Fetch_Site', 'X_Service_Key', 'x_token', 'x_machine'],
      ...['X_Tenant', 'X_Region', 'Ori.gin', 'Proxy_Authorization', 'Keep_Alive', 'Http2_Settings'],
    ]) {
      assert.match(problemLinesOf(text([name])).join(), /server\.keepHeaders\[0\]/, name)
    }
  })

  it('are at most 32', () => {
    const names = Array.from({ length: 33 }, (_, index) => `x_${index}`)
    assert.match(problemLinesOf(text(names)).join(), /at most 32 names/)
  })
})
