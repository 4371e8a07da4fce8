/**
 * What has let requests past authenticating proxies: a user agent that was taken for a health
 * check, a target that was taken from a field of the client, a path with a fragment in it, and
 * paths that only look like those which need no credential (CWE-288, CWE-551, CWE-807).
 */
import type { Fields } from '../../support/gateway-answer.ts'
import type { Refusal } from './attack.ts'

/** Who sends the request, by the key that comes with it. */
export type Caller = 'anonymous' | 'user' | 'administrator'

export type Bypass = readonly [
  name: string,
  answer: Refusal,
  caller: Caller,
  method: string,
  path: string,
  fields: Fields,
]

const ADMIN_ONLY = { authenticate: ['apiKey'], require: { roles: { all: ['admin'] } } }

/** The routes that these attacks are aimed at, for keys of users with and without the role. */
export const GUARDED_ROUTES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  '/public/*': { authenticate: 'none' },
  '/api/admin/*': ADMIN_ONLY,
  '/api/*/settings': { ...ADMIN_ONLY, match: { path: '/api/*/settings', methods: ['GET'] } },
  '/*': { authenticate: ['apiKey'] },
}

const HEALTH_CHECKERS = [
  ...['GoogleHC/1.0', 'kube-probe/1.30', 'ELB-HealthChecker/2.0', 'Consul Health Check'],
  ...['Prometheus/2.53.0', 'Blackbox Exporter/0.25.0', 'HAProxy', 'nginx-health-check'],
  ...['AlwaysOn', 'Edge Health Probe', 'Load Balancer Agent', 'Uptime-Kuma/1.23', 'Envoy/HC'],
  ...['Traefik', 'oauth2-proxy', 'Go-http-client/1.1', 'sallyport', ''],
]
const CHECKED: readonly (readonly [method: string, path: string])[] = [
  ['GET', '/'],
  ['GET', '/api/admin/users'],
  ['HEAD', '/api/admin/users'],
  ['GET', '/health'],
  ['GET', '/ping'],
]

/** Paths that are not `/health/live` and `/health/ready`, although something might think so. */
const HEALTH_PATHS: readonly (readonly [answer: Refusal, method: string, path: string])[] = [
  ...['/health', '/health/', '/healthz', '/livez', '/ready', '/ping', '/health/x'].map(
    protectedPath,
  ),
  ...['/health/livex', '/health/live/x', '/health/live/api/admin', '/x/health/live'].map(
    protectedPath,
  ),
  ...['/api/admin/health/live', '/api/admin?/health/live', '/x?path=/health/live'].map(
    protectedPath,
  ),
  ...[
    ...['/Health/live', '/HEALTH/READY/', '/health/LIVE', '/health/live;x', '/health;x/live'],
    ...['/health/%256Cive', '/health/live%20', '/health/live.', '/health/live%3Fx'],
    ...['/health/live%23x', '/health%2Flive', '//health/live', '/health//live', '/health/./live'],
    ...['/x/../health/live', '/health/live/../../api/admin', '/health/live/..;/api/admin'],
    ...['/health/live#/api/admin', '/health\\live', '/health/live%00', '/health%252Flive'],
  ].map((path) => ['400 invalid_request', 'GET', path] as const),
]

function protectedPath(path: string) {
  return ['401 missing_token', 'GET', path] as const
}

/** Fields in which a proxy in front, or a framework behind, is told what was asked for. */
export const TARGET_NAMES = [
  ...['X-Original-URL', 'X-Original-URI', 'X-Rewrite-URL', 'X-Forwarded-Uri', 'X-Forwarded-Path'],
  ...['X-Forwarded-Prefix', 'X-Forwarded-URL', 'X-Envoy-Original-Path', 'X-Original-Host'],
  ...['X-Forwarded-Host', 'X-Forwarded-Server'],
]

/** Fields in which they are told by which method. */
export const METHOD_NAMES = [
  ...['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', 'X-Original-Method'],
  ...['X-Forwarded-Method'],
]

const PUBLIC_TARGETS = ['/public/x', 'http://gateway.test/public/x', '/health/live', '/', '']

const FRAGMENTS: readonly (readonly [answer: Refusal, caller: Caller, path: string])[] = [
  ['400 invalid_request', 'anonymous', '/public/x#/../../api/admin'],
  ['400 invalid_request', 'anonymous', '/api/admin#/public/x'],
  ['400 invalid_request', 'anonymous', '/api/admin/users#'],
  ['400 invalid_request', 'anonymous', '/api/admin?x#/public/'],
  ['400 invalid_request', 'user', '/api/admin%23/public/x'],
  ['400 invalid_request', 'user', '/api/admin%23'],
  ['400 invalid_request', 'user', '/api/admin%2523/public'],
  ['400 invalid_request', 'user', '/api/things/settings%23/x'],
  ['400 invalid_request', 'anonymous', '/public%23/../api/admin'],
  ['400 invalid_request', 'anonymous', '/public%23/x'],
  ['401 missing_token', 'anonymous', '/api/admin/%23/public/x'],
  ['401 missing_token', 'anonymous', '/api/admin/users%23/public/'],
  ['400 invalid_request', 'anonymous', '/%23/public/x'],
  ['401 missing_token', 'anonymous', '/x?y=%23/public/x'],
  ['403 insufficient_scope', 'user', '/api/admin/%23/public/x'],
  ['403 insufficient_scope', 'user', '/api/admin/users%23/x'],
]

/** Out of what anyone may reach, into what an administrator may. */
const ESCAPES: readonly (readonly [answer: Refusal, caller: Caller, path: string])[] = [
  ['401 missing_token', 'anonymous', '/api/%61dmin/users'],
  ['403 insufficient_scope', 'user', '/api/%61dmin/users'],
  ['403 insufficient_scope', 'user', '/%61pi/admi%6E'],
  ['403 insufficient_scope', 'user', '/api/admin'],
  ['403 insufficient_scope', 'user', '/api/admin/'],
  ['403 insufficient_scope', 'user', '/api/things/settings/'],
  ['400 invalid_request', 'anonymous', '/public/../api/admin'],
  ['400 invalid_request', 'anonymous', '/public/%2e%2e/api/admin'],
  ['400 invalid_request', 'anonymous', '/public/..%2fapi/admin'],
  ['400 invalid_request', 'anonymous', '/public/..%5capi/admin'],
  ['400 invalid_request', 'anonymous', '/public/..\\api/admin'],
  ['400 invalid_request', 'anonymous', '/public/..;/api/admin'],
  ['400 invalid_request', 'anonymous', '/public/%252e%252e/api/admin'],
  ['400 invalid_request', 'anonymous', '/public/..%252fapi/admin'],
  ['400 invalid_request', 'anonymous', '/public/..%20/api/admin'],
  ['400 invalid_request', 'anonymous', '/public//api/admin'],
  ['400 invalid_request', 'anonymous', '//api/admin'],
  ['400 invalid_request', 'anonymous', '/public%2f..%2fapi/admin'],
  ['400 invalid_request', 'user', '/API/admin/users'],
  ['400 invalid_request', 'user', '/api/admin;x/users'],
]

export const BYPASSES: readonly Bypass[] = [
  ...HEALTH_CHECKERS.flatMap((agent) =>
    CHECKED.map(
      ([method, path]): Bypass => [
        `the user agent ${JSON.stringify(agent)} with ${method} ${path}`,
        '401 missing_token',
        'anonymous',
        method,
        path,
        [['User-Agent', agent]],
      ],
    ),
  ),
  ...HEALTH_PATHS.map(
    ([answer, method, path]): Bypass => [
      `${method} ${path}, which is no path for health`,
      answer,
      'anonymous',
      method,
      path,
      [],
    ],
  ),
  ...TARGET_NAMES.flatMap((name) =>
    PUBLIC_TARGETS.flatMap((target): Bypass[] => [
      [
        `${name}: ${target} without a credential`,
        '401 missing_token',
        'anonymous',
        'GET',
        '/api/admin/users',
        [[name, target]],
      ],
      [
        `${name}: ${target} with too little of one`,
        '403 insufficient_scope',
        'user',
        'GET',
        '/api/admin/users',
        [[name, target]],
      ],
    ]),
  ),
  ...METHOD_NAMES.map(
    (name): Bypass => [
      `${name}: POST at a route that is for GET`,
      '403 insufficient_scope',
      'user',
      'GET',
      '/api/things/settings',
      [[name, 'POST']],
    ],
  ),
  ...[...FRAGMENTS, ...ESCAPES].map(
    ([answer, caller, path]): Bypass => [
      `the path ${path}, ${caller}`,
      answer,
      caller,
      'GET',
      path,
      [],
    ],
  ),
]
