/**
 * Tokens and keys as providers issue them: names and types of members as in their documentation
 * and in reports of their users, with made-up values.
 */
import type { JwsAlgorithm } from '../../src/protocol/jws-algorithms.ts'
import type { JwkMembers } from './key-documents.ts'

type Members = Readonly<Record<string, unknown>>

export interface ProviderSample {
  /** Heading of its section in docs/providers.md, whose configuration is used. */
  readonly title: string
  readonly algorithm: JwsAlgorithm
  /** How the provider publishes a key. */
  readonly publish: (key: JwkMembers) => readonly Members[]
  /** Beside `alg`; `kid` is that of the key unless it says otherwise. */
  readonly header: Members
  /** Of an access token, without `iss` and times. */
  readonly claims: Members
  readonly path: string
  /** What the service then hears. */
  readonly heard: Readonly<Record<string, string>>
  /** What makes an ID token of it, its audience still accepted, and why it is refused. */
  readonly idToken: { readonly claims: Members; readonly reason: string }
}

const CERTIFICATE = 'MIICmzCCAYMCBgGTfEXAMPLE'
const ORDERS = '/orders/1'

const microsoftKey = (key: JwkMembers) => [
  { ...key, alg: undefined, x5t: 'Kz1QEXAMPLE', x5c: [CERTIFICATE] },
]

const KEYCLOAK: ProviderSample = {
  title: 'Keycloak',
  algorithm: 'RS256',
  publish: (key) => [
    { ...key, kid: 'for-encryption', use: 'enc', alg: 'RSA-OAEP' },
    { ...key, x5c: [CERTIFICATE], x5t: 'fbuyEXAMPLE', 'x5t#S256': '6li0EXAMPLE' },
  ],
  header: { typ: 'JWT' },
  claims: {
    jti: 'onrtro:b18c955d-53f8-df5c-f17c-52d3fadeb381',
    aud: ['orders', 'account'],
    sub: 'b4fc8966-0b25-4eda-a6a7-31e2ba96cb52',
    typ: 'Bearer',
    azp: 'web',
    sid: 'oaRTa-LAdIdvGshbQnZuU8ir',
    acr: '1',
    'allowed-origins': ['https://shop.example.com'],
    realm_access: { roles: ['buyer', 'offline_access'] },
    resource_access: { orders: { roles: ['orders-admin'] }, account: { roles: ['view-profile'] } },
    scope: 'openid email profile',
    email_verified: true,
    preferred_username: 'alice',
    email: 'alice@example.com',
  },
  path: '/orders/admin/1',
  heard: {
    'x-user-id': 'b4fc8966-0b25-4eda-a6a7-31e2ba96cb52',
    'x-user-roles': 'buyer,offline_access,orders-admin',
    'x-user-email': 'alice@example.com',
  },
  idToken: { claims: { typ: 'ID', realm_access: undefined }, reason: 'foreign_kind_of_token' },
}

const AUTH0: ProviderSample = {
  title: 'Auth0',
  algorithm: 'RS256',
  publish: (key) => [{ ...key, x5t: 'MkQyEXAMPLE', x5c: [CERTIFICATE] }],
  header: { typ: 'JWT' },
  claims: {
    'https://example.com/roles': ['manager'],
    sub: 'auth0|5f7c8ec7c33c6c004bbafe82',
    aud: ['https://api.example.com', 'https://example.eu.auth0.com/userinfo'],
    azp: 'my_client_id',
    scope: 'openid profile email read:orders',
    org_id: 'org_9ybsU1dN2dKfDkBi',
    permissions: ['read:orders', 'write:orders'],
  },
  path: ORDERS,
  heard: {
    'x-user-id': 'auth0|5f7c8ec7c33c6c004bbafe82',
    'x-user-roles': 'read:orders,write:orders',
    'x-token-scopes': 'openid,profile,email,read:orders',
    'x-org-id': 'org_9ybsU1dN2dKfDkBi',
  },
  idToken: {
    claims: { nonce: 'n', at_hash: 'srfN4DbjeLRAIX2GT9CWJA', permissions: undefined },
    reason: 'foreign_kind_of_token',
  },
}

const OKTA: ProviderSample = {
  title: 'Okta',
  algorithm: 'RS256',
  publish: (key) => [key],
  header: {},
  claims: {
    ver: 1,
    jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE',
    aud: 'api://default',
    cid: '0oabskvc6442nkvQO0h7',
    uid: '00u5t60iloOHN9pBi0h7',
    scp: ['openid', 'orders.read'],
    auth_time: 1_511_983_000,
    sub: 'annie.jackson@example.com',
    groups: ['WestCoastDivision'],
  },
  path: ORDERS,
  heard: {
    'x-user-id': 'annie.jackson@example.com',
    'x-client-id': '0oabskvc6442nkvQO0h7',
    'x-user-roles': 'WestCoastDivision',
    'x-token-scopes': 'openid,orders.read',
  },
  idToken: {
    claims: {
      cid: undefined,
      uid: undefined,
      scp: undefined,
      amr: ['pwd'],
      idp: '00ok',
      nonce: 'n',
    },
    reason: 'required_claim_missing',
  },
}

const ENTRA: ProviderSample = {
  title: 'Entra ID',
  algorithm: 'RS256',
  publish: (key) =>
    microsoftKey(key).map((it) => ({
      ...it,
      issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0',
    })),
  header: { typ: 'JWT' },
  claims: {
    aud: '6e74172b-be56-4843-9ff4-e66a39bb12e3',
    aio: 'AXQAi/8IAAAAEXAMPLE',
    azp: '6e74172b-be56-4843-9ff4-e66a39bb12e4',
    azpacr: '0',
    groups: ['0f2d2b9a-3c5f-4c3d-8d42-1d2f6f1c0c7e'],
    name: 'Abe Lincoln',
    oid: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
    preferred_username: 'abeli@example.com',
    rh: 'I',
    roles: ['Orders.Clerk'],
    scp: 'Orders.Read Orders.Write',
    sub: 'HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ',
    tid: '2f1f9d11-4c0a-4a4a-9d52-2a4a7c1d7f00',
    uti: 'fqiBqXLPj0eQa82S-IYFAA',
    ver: '2.0',
  },
  path: ORDERS,
  heard: {
    'x-user-roles': 'Orders.Clerk',
    'x-token-scopes': 'Orders.Read,Orders.Write',
    'x-tenant-id': '2f1f9d11-4c0a-4a4a-9d52-2a4a7c1d7f00',
  },
  idToken: {
    claims: { azp: undefined, azpacr: undefined, scp: undefined, nonce: 'n' },
    reason: 'required_claim_missing',
  },
}

const COGNITO: ProviderSample = {
  title: 'Cognito',
  algorithm: 'RS256',
  publish: (key) => [{ ...key, kid: 'of-id-tokens' }, key],
  header: { typ: undefined },
  claims: {
    sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    device_key: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    'cognito:groups': ['buyers'],
    version: 2,
    client_id: '1example23456789',
    origin_jti: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    event_id: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    token_use: 'access',
    scope: 'phone openid profile email',
    auth_time: 1_676_312_777,
    jti: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    username: 'my-test-user',
  },
  path: ORDERS,
  heard: {
    'x-user-id': 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    'x-user-roles': 'buyers',
    'x-token-scopes': 'phone,openid,profile,email',
  },
  idToken: {
    claims: { token_use: 'id', 'cognito:username': 'my-test-user', scope: undefined },
    reason: 'foreign_kind_of_token',
  },
}

const GOOGLE: ProviderSample = {
  title: 'Google',
  algorithm: 'RS256',
  publish: (key) => [key],
  header: { typ: 'JWT' },
  claims: {
    aud: 'https://orders.example.com',
    azp: '118363561738753879481',
    email: 'jobs@example.iam.gserviceaccount.com',
    email_verified: true,
    sub: '118363561738753879481',
    google: { compute_engine: { project_id: 'example', zone: 'europe-west1-b' } },
  },
  path: ORDERS,
  heard: {
    'x-user-id': '118363561738753879481',
    'x-user-email': 'jobs@example.iam.gserviceaccount.com',
  },
  idToken: {
    claims: { at_hash: 'HK6E_P6Dh8Y93mRNtsDB1Q', hd: 'example.com', name: 'Jane Doe' },
    reason: 'foreign_kind_of_token',
  },
}

const ADFS: ProviderSample = {
  title: 'AD FS',
  algorithm: 'RS256',
  publish: (key) => [{ ...key, x5t: 'jeeQjLUaEXAMPLE', x5c: [CERTIFICATE] }],
  // Older ones name the key by its certificate alone.
  header: { typ: 'JWT', kid: undefined, x5t: 'jeeQjLUaEXAMPLE' },
  claims: {
    aud: 'microsoft:identityserver:60b3d106-d155-4f9f-ba75-84b8078829fa',
    upn: 'alice@corp.example.com',
    email: 'alice@example.com',
    role: 'buyer',
    apptype: 'Confidential',
    appid: '60b3d106-d155-4f9f-ba75-84b8078829fa',
    authmethod: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
    auth_time: '2017-02-13T09:27:46.918Z',
    ver: '1.0',
    scp: 'profile openid',
  },
  path: ORDERS,
  heard: {
    'x-user-id': 'alice@corp.example.com',
    'x-client-id': '60b3d106-d155-4f9f-ba75-84b8078829fa',
    'x-user-roles': 'buyer',
    'x-token-scopes': 'profile,openid',
  },
  idToken: {
    claims: { appid: undefined, apptype: undefined, sub: 'x', unique_name: 'CORP\\alice' },
    reason: 'required_claim_missing',
  },
}

const ZITADEL: ProviderSample = {
  title: 'Zitadel',
  algorithm: 'RS256',
  publish: (key) => [key],
  header: { typ: 'JWT' },
  claims: {
    aud: ['252856053933356542', '252855756087375358', '252855702316398078'],
    client_id: '252856053933356542',
    jti: 'V2_391184219667173286-at_391187731641798566',
    sub: '383942323576245195',
    'urn:zitadel:iam:org:project:roles': {
      buyer: { '252699355457291274': 'shop.example.com' },
      clerk: { '252699355457291274': 'shop.example.com' },
    },
    'urn:zitadel:iam:user:resourceowner:id': '252699355457291274',
  },
  path: ORDERS,
  heard: {
    'x-user-id': '383942323576245195',
    'x-user-roles': 'buyer,clerk',
    'x-org-id': '252699355457291274',
  },
  idToken: {
    claims: { jti: undefined, azp: '252856053933356542', amr: ['mfa', 'user'] },
    reason: 'required_claim_missing',
  },
}

const HYDRA: ProviderSample = {
  title: 'Ory Hydra',
  algorithm: 'RS256',
  publish: (key) => [key],
  header: { typ: 'JWT' },
  claims: {
    aud: ['https://api.example.com'],
    client_id: '828c4958-4359-49d6-83be-02e235841c64',
    ext: {},
    jti: 'ad0dc1ef-1b3c-4b0a-8d54-5f3f9a2a7d33',
    scp: ['orders.read', 'offline'],
    sub: 'f13d49c3-b61d-4fbc-b0a7-048a5f138115',
  },
  path: ORDERS,
  heard: {
    'x-user-id': 'f13d49c3-b61d-4fbc-b0a7-048a5f138115',
    'x-token-scopes': 'orders.read,offline',
  },
  idToken: {
    claims: { client_id: undefined, scp: undefined, rat: 1_600_000_000, sid: 's' },
    reason: 'required_claim_missing',
  },
}

const KUBERNETES: ProviderSample = {
  title: 'Kubernetes',
  algorithm: 'RS256',
  publish: (key) => [key],
  header: { typ: undefined },
  claims: {
    aud: ['orders'],
    jti: 'c4a0c1d8-5a3b-4d55-9a1d-5c0a1f2b3c4d',
    'kubernetes.io': {
      namespace: 'shop',
      node: { name: 'node-1', uid: '646e7c5e-32d6-4d42-9dbd-e504e6cbe6b1' },
      pod: { name: 'checkout-6f9f', uid: 'd3b6c2f0-2b2f-4f7a-8a3c-0a5a2d7f1f7a' },
      serviceaccount: { name: 'checkout', uid: '49bc5bc4-6e1b-44c4-b6a2-ea6843fb6c81' },
      warnafter: 1_700_003_607,
    },
    sub: 'system:serviceaccount:shop:checkout',
  },
  path: ORDERS,
  heard: {
    'x-user-id': 'system:serviceaccount:shop:checkout',
    'x-org-id': 'shop',
  },
  idToken: { claims: { 'kubernetes.io': undefined }, reason: 'required_claim_missing' },
}

export const PROVIDER_SAMPLES = [
  KEYCLOAK,
  AUTH0,
  OKTA,
  ENTRA,
  COGNITO,
  GOOGLE,
  ADFS,
  ZITADEL,
  HYDRA,
  KUBERNETES,
] as const
