/** What providers send besides the usual token, and what a gateway makes of it, as documented. */

type Members = Readonly<Record<string, unknown>>

export interface ProviderQuirk {
  readonly title: string
  /** Replace those of the sample; `undefined` removes. */
  readonly claims?: Members
  readonly header?: Members
  /** A whole token in place of one of the sample. */
  readonly token?: string
  /** `200`, or the status and the reason. */
  readonly outcome: string
}

/** Header, no key, nonce, content and tag: a JWE that is encrypted to its provider. */
const ENCRYPTED = [
  Buffer.from('{"alg":"dir","enc":"A256GCM","iss":"https://example.eu.auth0.com/"}'),
  Buffer.alloc(0),
  Buffer.alloc(12, 1),
  Buffer.alloc(64, 2),
  Buffer.alloc(16, 3),
]
  .map((part) => part.toString('base64url'))
  .join('.')

/** By the heading of the section in docs/providers.md. */
export const PROVIDER_QUIRKS: Readonly<Record<string, readonly ProviderQuirk[]>> = {
  Keycloak: [
    {
      title: 'a token without an audience mapper is refused: its audience is "account"',
      claims: { aud: 'account' },
      outcome: '401 audience_mismatch',
    },
    {
      title: 'a lightweight token is refused: it says too little',
      claims: {
        aud: undefined,
        sub: undefined,
        realm_access: undefined,
        resource_access: undefined,
      },
      outcome: '401 audience_mismatch',
    },
    {
      title: 'a token of a client that has no roles lacks them, and is good',
      claims: { realm_access: undefined, resource_access: undefined },
      outcome: '403 role_missing',
    },
  ],
  Auth0: [
    {
      title: 'the token for /userinfo is refused: it is encrypted, and for Auth0',
      token: ENCRYPTED,
      outcome: '401 token_malformed',
    },
    {
      title: 'a token of a client for itself has the permissions that were granted to it',
      claims: {
        sub: 'nmGG3zzNEXAMPLE@clients',
        gty: 'client-credentials',
        scope: 'read:orders',
        permissions: ['read:orders'],
      },
      outcome: '200',
    },
    {
      title: 'the scope of the client does not stand in for a permission of the user',
      claims: { permissions: [] },
      outcome: '403 role_missing',
    },
    {
      title: 'permissions that are no list of text refuse the token where a route needs them',
      claims: { permissions: [{ name: 'read:orders' }] },
      outcome: '401 roles_mistyped',
    },
    {
      title: 'a permission of the user does not stand in for the scope of the client',
      claims: { scope: 'openid' },
      outcome: '403 scope_missing',
    },
  ],
  Okta: [
    {
      title: 'a token of the org authorization server is refused by its type',
      header: { typ: 'application/okta-internal-at+jwt' },
      outcome: '401 type_not_allowed',
    },
    {
      title: 'groups that are no list of text count as none where nothing needs them',
      claims: { groups: [{ id: '00g1' }] },
      outcome: '200',
    },
    {
      title: 'a token of a client for itself has no uid, and passes',
      claims: { uid: undefined, sub: '0oabskvc6442nkvQO0h7', groups: undefined },
      outcome: '200',
    },
  ],
  'Entra ID': [
    {
      title: 'a token of version 1 is of another issuer',
      claims: {
        iss: 'https://sts.windows.net/2f1f9d11-4c0a-4a4a-9d52-2a4a7c1d7f00/',
        azp: undefined,
        appid: '6e74172b-be56-4843-9ff4-e66a39bb12e4',
      },
      outcome: '401 issuer_not_accepted',
    },
    {
      title: 'a token of another tenant of the same provider is of another issuer',
      claims: {
        iss: 'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0',
        tid: '9188040d-6c67-4c5b-b112-36a304b66dad',
      },
      outcome: '401 issuer_not_accepted',
    },
    {
      title: 'a token of a client for itself has roles and no scopes',
      claims: { scp: undefined, idtyp: 'app' },
      outcome: '403 scope_missing',
    },
    {
      title: 'a user of more groups than fit has them elsewhere',
      claims: {
        groups: undefined,
        _claim_names: { groups: 'src1' },
        _claim_sources: { src1: { endpoint: 'https://graph.windows.net/x/users/y' } },
      },
      outcome: '200',
    },
  ],
  Cognito: [
    {
      title: 'an ID token as it is names its client as audience',
      claims: {
        token_use: 'id',
        aud: '1example23456789',
        client_id: undefined,
        at_hash: 'CEXAMPLE',
      },
      outcome: '401 audience_mismatch',
    },
    {
      title: 'a user without groups has no roles',
      claims: { 'cognito:groups': undefined },
      outcome: '403 role_missing',
    },
  ],
  Google: [
    {
      title: 'the token of any other account is good, and not what the route requires',
      claims: { email: 'someone@stranger.iam.gserviceaccount.com' },
      outcome: '403 claim_unsatisfied',
    },
    {
      title: 'an address that is not verified satisfies nothing',
      claims: { email_verified: false },
      outcome: '403 claim_unsatisfied',
    },
    {
      title: 'the issuer without https is another one',
      claims: { iss: 'accounts.google.com' },
      outcome: '401 issuer_not_accepted',
    },
  ],
  'AD FS': [
    {
      title: 'the issuer of the metadata is not that of access tokens',
      claims: { iss: 'https://fs.example.com/adfs' },
      outcome: '401 issuer_not_accepted',
    },
    {
      title: 'several roles are a list',
      claims: { role: ['buyer', 'clerk'] },
      outcome: '200',
    },
    {
      title: 'a token of a client for itself names no user',
      claims: { upn: undefined },
      outcome: '401 subject_mistyped',
    },
  ],
  Zitadel: [
    {
      title: 'an opaque token is no JWT',
      token: 'Vb3tEXAMPLEtZ8p1EXAMPLEfQ0yEXAMPLE',
      outcome: '401 token_malformed',
    },
    {
      title: 'a project that asserts no roles has none in its tokens',
      claims: { 'urn:zitadel:iam:org:project:roles': undefined },
      outcome: '403 role_missing',
    },
    {
      title: 'a token for the clients of another project is for another audience',
      claims: { aud: ['252856053933356542', '252855756087375358'] },
      outcome: '401 audience_mismatch',
    },
  ],
  'Ory Hydra': [
    {
      title: 'a client that asked for no audience gets an empty list',
      claims: { aud: [] },
      outcome: '401 audience_mismatch',
    },
    {
      title: 'an opaque token is no JWT',
      token: 'ory_at_EXAMPLE.EXAMPLE-secret',
      outcome: '401 token_malformed',
    },
    {
      title: 'scopes as one text, of another setting there, are read as well',
      claims: { scp: undefined, scope: 'orders.read offline' },
      outcome: '200',
    },
    {
      title: 'a token of the JWT bearer grant has an empty kid',
      header: { kid: '' },
      outcome: '200',
    },
  ],
  Kubernetes: [
    {
      title: 'the token at the usual place of a pod is for the API server',
      claims: { aud: ['https://kubernetes.default.svc.cluster.local'] },
      outcome: '401 audience_mismatch',
    },
    {
      title: 'another service account is good, and not what the route requires',
      claims: { sub: 'system:serviceaccount:shop:stranger' },
      outcome: '403 claim_unsatisfied',
    },
    {
      title: 'a token from a secret never ends, and is refused',
      claims: { exp: undefined },
      outcome: '401 exp_missing',
    },
  ],
}
