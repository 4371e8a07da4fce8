/**
 * Hot path: fields of a request that services and frameworks take for the word of a proxy. A
 * client that could send one of them could choose who it is, where it comes from, or what it asks
 * for. None goes upstream as it came, not from trusted proxies either: what counts of theirs, the
 * gateway says itself (forwarded-headers.ts), and identity it establishes.
 *
 * Names are as frameworks read them: `_` and `.` for `-`, and any case, are the same name to CGI
 * and its heirs. The server drops names with `_` or `.` before they get here.
 */

/** Lower-case names that say who is calling, with who believes them. */
const IDENTITY_NAMES = {
  'client-cert': 'RFC 9440',
  'x-client-cert': 'HAProxy, Apache httpd',
  'x-client-certificate': 'Java applications behind nginx',
  'x-ms-client-principal': 'Azure App Service',
  'cf-access-authenticated-user-email': 'applications behind Cloudflare Access',
  'oam-remote-user': 'Oracle Access Manager',
  'x-amzn-oidc-identity': 'applications behind an AWS ALB that logs users in',
  'x-anonymous-consumer': 'services behind Kong',
  'x-auth-user': 'services behind OpenStack and IBM proxies',
  'x-proxy-remote-user': 'Sonatype Nexus (Rut Auth)',
  'x-sso-user': 'applications with single sign-on by header',
  'x-userinfo': 'services behind the OpenID Connect plug-ins of Kong and APISIX',
  'ssl-cert': 'applications behind Apache httpd and nginx',
  'x-arr-clientcert': 'ASP.NET Core, Azure App Service',
  'x-clientcert': 'Java applications behind nginx',
  'x-apigateway-api-userinfo': 'services behind Google API Gateway',
  'x-endpoint-api-userinfo': 'services behind Google Cloud Endpoints',
  'x-apigateway-event': 'Express applications on AWS Lambda: who has been authorized',
  'x-amzn-request-context': 'applications on AWS Lambda: who has been authorized',
  'x-client-dn': 'applications behind TLS proxies',
  'x-client-verify': 'applications behind nginx',
} as const

/** The same of those that say from where a request comes, over what, and what it asks for. */
const REQUEST_NAMES = {
  'ali-cdn-real-ip': 'Alibaba Cloud CDN',
  'cdn-src-ip': 'CDNs of China',
  'cf-connecting-ip': 'Cloudflare',
  'cf-connecting-ipv6': 'Cloudflare',
  'cf-pseudo-ipv4': 'Cloudflare',
  'client-ip': 'PHP (HTTP_CLIENT_IP), Rack',
  'cloudfront-viewer-address': 'AWS CloudFront',
  'do-connecting-ip': 'DigitalOcean App Platform',
  'fastly-client-ip': 'Fastly',
  'fly-client-ip': 'Fly.io',
  forwarded: 'RFC 7239: Spring, Quarkus, Jetty, Rack',
  'incap-client-ip': 'Imperva',
  'proxy-client-ip': 'Java applications that try many names',
  'true-client-ip': 'Akamai, Cloudflare',
  'x-appengine-user-ip': 'Google App Engine',
  'x-azure-clientip': 'Azure Front Door',
  'x-azure-socketip': 'Azure Front Door',
  'x-client-ip': 'Rack, request-ip',
  'x-cluster-client-ip': 'Rackspace, Zeus, request-ip',
  'x-envoy-external-address': 'Envoy, Istio',
  'x-envoy-internal': 'Envoy: a request of the mesh itself',
  'x-forwarded': 'request-ip',
  'x-nf-client-connection-ip': 'Netlify',
  'x-original-forwarded-for': 'ingress-nginx',
  'x-originating-ip': 'Exchange, applications that try many names',
  'x-proxyuser-ip': 'Google services',
  'x-real-ip': 'nginx, Gitea, Chi',
  'x-real-port': 'nginx, APISIX',
  'x-sucuri-clientip': 'Sucuri',
  'x-true-client-ip': 'Akamai',
  'x-vercel-forwarded-for': 'Vercel',
  'cf-visitor': 'Cloudflare: the scheme, for WordPress and others',
  'cloudfront-forwarded-proto': 'AWS CloudFront, Rails, Laravel',
  'front-end-https': 'Microsoft ISA and TMG: Exchange, Gunicorn, Flask, Drupal',
  https: 'PHP and CGI (HTTP_HTTPS)',
  proxy: 'CGI programs: HTTP_PROXY (httpoxy)',
  'x-arr-ssl': 'IIS with Application Request Routing, Azure App Service',
  'x-https': 'PHP applications',
  'x-scheme': 'ingress-nginx, oauth2-proxy, WSGI applications',
  'x-url-scheme': 'WSGI applications',
  'x-accel-mapping': 'Rack::Sendfile',
  'x-envoy-original-host': 'Envoy',
  'x-envoy-original-path': 'Envoy',
  'x-host': 'Symfony applications and others that try many names',
  'x-http-host-override': 'IIS, frameworks of PHP',
  'x-http-method': 'Microsoft OData',
  'x-http-method-override': 'Express, Rails, Spring, Symfony',
  'x-invoke-path': 'Next.js',
  'x-matched-path': 'Next.js',
  'x-method-override': 'frameworks of PHP',
  'x-middleware-subrequest': 'Next.js: a request of its own, without its checks',
  'x-original-host': 'Azure Application Gateway, ASP.NET Core',
  'x-original-method': 'decision endpoints behind nginx',
  'x-original-proto': 'ASP.NET Core',
  'x-original-uri': 'decision endpoints behind nginx',
  'x-original-url': 'Symfony, Zend, IIS URL Rewrite',
  'x-rewrite-url': 'Symfony, Zend, ISAPI_Rewrite',
  'x-sendfile-type': 'Rack::Sendfile',
  'x-waws-unencoded-url': 'Azure App Service',
} as const

/** What names begin with that stand for a whole family, with who believes them. */
const BELIEVED_PREFIXES = {
  'client-cert-': 'RFC 9440: Client-Cert-Chain',
  'iv-': 'IBM WebSEAL: iv-user, iv-groups, iv-creds',
  'remote-': 'Authelia, Guacamole, Apache httpd: Remote-User, Remote-Groups',
  'sm-': 'SiteMinder: SM_USER',
  'ssl-client-': 'ingress-nginx, Keycloak: ssl-client-cert, ssl-client-verify',
  'tailscale-user-': 'Tailscale',
  'wl-proxy-': 'WebLogic: WL-Proxy-Client-IP, WL-Proxy-SSL, WL-Proxy-Client-Cert',
  'x-amzn-mtls-': 'applications behind an AWS ALB',
  'x-auth-request-': 'oauth2-proxy',
  'x-authenticated-': 'services behind Kong: X-Authenticated-UserId, -Scope',
  'x-authentik-': 'authentik',
  'x-client-cert-': 'HAProxy, Apache httpd: X-Client-Cert-DN',
  'x-consumer-': 'services behind Kong and APISIX: X-Consumer-Username',
  'x-credential-': 'services behind Kong and APISIX: X-Credential-Identifier',
  'x-forwarded-': 'nearly everything: -For, -Proto, -Host, -Ssl, -User, -Client-Cert',
  'x-goog-authenticated-user-': 'Google Identity-Aware Proxy',
  'x-ms-client-principal-': 'Azure App Service: X-MS-CLIENT-PRINCIPAL-NAME',
  'x-ms-token-': 'Azure App Service: X-MS-TOKEN-AAD-ID-TOKEN',
  'x-pomerium-claim-': 'Pomerium',
  'x-remote-': 'Kubernetes (X-Remote-User, X-Remote-Group), Splunk, Rundeck',
  'x-ssl-': 'HAProxy, nginx, Webmin: X-SSL-Client-Verify, X-SSL-Client-CN',
  'x-tls-client-': 'applications behind TLS balancers',
  'x-vouch-': 'Vouch Proxy',
  'x-webauth-': 'Grafana, Gitea: X-WEBAUTH-USER',
} as const

/** Every row: an exact name, or what names begin with, and who believes it. */
export const BELIEVED_FIELDS = Object.entries({
  ...IDENTITY_NAMES,
  ...REQUEST_NAMES,
  ...BELIEVED_PREFIXES,
})

/** Exact names, for the filter that each route has. */
export const BELIEVED_NAMES = [...Object.keys(IDENTITY_NAMES), ...Object.keys(REQUEST_NAMES)]

/** In what oauth2-proxy tells an identity; a gateway in its place may do so too. */
const IDENTITY_FORWARDED: ReadonlySet<string> = new Set([
  'x-forwarded-access-token',
  'x-forwarded-email',
  'x-forwarded-groups',
  'x-forwarded-preferred-username',
  'x-forwarded-user',
])

const CODES = 32
const families: string[][] = Array.from({ length: CODES * CODES }, () => [])
/** By the first and the third character: whether there is a family of such names. */
const hasFamily = new Uint8Array(CODES * CODES)
for (const prefix of Object.keys(BELIEVED_PREFIXES)) {
  families[placeOf(prefix)]?.push(prefix)
  hasFamily[placeOf(prefix)] = 1
}

/** Whether the lower-case name is one of a family. Most names are none by two characters. */
export function isOfBelievedFamily(name: string): boolean {
  const place = placeOf(name)
  if (hasFamily[place] === 0) return false
  return families[place]?.some((prefix) => name.startsWith(prefix)) === true
}

const NAMES: ReadonlySet<string> = new Set(BELIEVED_NAMES)

/** Whether this lower-case name is in the table, by itself or by its family. */
export function isBelievedField(name: string): boolean {
  return NAMES.has(name) || isOfBelievedFamily(name)
}

/** Whether a field of this lower-case name is about the request, so that it tells no identity. */
export function isForwardingField(name: string): boolean {
  if (name.startsWith('x-forwarded-')) return !IDENTITY_FORWARDED.has(name)
  return Object.hasOwn(REQUEST_NAMES, name)
}

/** What is shorter has no third character: `NaN & 31` is 0. */
function placeOf(name: string): number {
  return (name.charCodeAt(0) & (CODES - 1)) * CODES + (name.charCodeAt(2) & (CODES - 1))
}
