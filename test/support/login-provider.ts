/**
 * A real OpenID provider at which a person logs in and out, and which tells its client so by
 * back-channel logout; and the browser of that person.
 */
import { createHash, type JsonWebKey, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'
import { type MintingKey, mintKey } from './mint-token.ts'

const CALLBACK = 'https://app.example.com/callback'
const STEPS_MAX = 20
export const LOGIN_CLIENT = 'web-app'

export interface LoginProvider {
  readonly issuer: string
  /** From now on logouts are told there. */
  tellLogoutsTo(url: string): void
  logIn(user: string): Promise<Login>
  stop(): Promise<void>
}

/** A browser in which somebody is logged in. */
export interface Login {
  /** As the provider issued it for the API. */
  readonly accessToken: string
  /** Settles when the provider has told its clients. */
  logOut(): Promise<void>
}

/** @param audience Of the access tokens. */
export async function startLoginProvider(audience: string): Promise<LoginProvider> {
  const key = mintKey('ES256', 'login-1')
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const cookieKey = randomBytes(32).toString('hex')
  let handle = new Provider(issuer, settings(key, audience, cookieKey, null)).callback()
  server.on('request', (request, response) => void handle(request, response))
  return {
    issuer,
    tellLogoutsTo(url) {
      // The package takes its clients when it is made.
      handle = new Provider(issuer, settings(key, audience, cookieKey, url)).callback()
    },
    logIn: (user) => logIn(issuer, user),
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function settings(
  key: MintingKey,
  audience: string,
  cookieKey: string,
  logoutUri: string | null,
): object {
  const jwk = (key.signingKey as { export(options: object): JsonWebKey }).export({ format: 'jwk' })
  const resourceServer = {
    audience,
    scope: 'read',
    accessTokenTTL: 3_600,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'ES256', kid: key.keyId } },
  }
  return {
    jwks: { keys: [{ ...jwk, kid: key.keyId, alg: 'ES256', use: 'sig' }] },
    cookies: { keys: [cookieKey] },
    scopes: ['openid', 'read'],
    // The package prints a notice about each that is left out.
    ttl: { Interaction: 600, Session: 3_600, Grant: 3_600, AccessToken: 3_600, IdToken: 3_600 },
    clients: [
      {
        client_id: LOGIN_CLIENT,
        token_endpoint_auth_method: 'none',
        redirect_uris: [CALLBACK],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        id_token_signed_response_alg: 'ES256',
        ...(logoutUri === null
          ? {}
          : { backchannel_logout_uri: logoutUri, backchannel_logout_session_required: true }),
      },
    ],
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id }),
    }),
    features: {
      devInteractions: { enabled: true },
      backchannelLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:api',
        useGrantedResource: () => true,
        getResourceServerInfo: () => resourceServer,
      },
    },
  }
}

async function logIn(issuer: string, user: string): Promise<Login> {
  const browser = new Browser(issuer)
  const verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    client_id: LOGIN_CLIENT,
    response_type: 'code',
    redirect_uri: CALLBACK,
    scope: 'openid read',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  let at = await browser.go(`/auth?${query.toString()}`)
  for (const form of [{ prompt: 'login', login: user, password: 'any' }, { prompt: 'consent' }]) {
    if (!at.startsWith(`${issuer}/interaction/`))
      throw new Error(`no form of ${form.prompt}: ${at}`)
    at = await browser.go(new URL(at).pathname, form)
  }
  const code = new URL(at).searchParams.get('code')
  if (code === null) throw new Error(`no code came back: ${at}`)
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: LOGIN_CLIENT,
      redirect_uri: CALLBACK,
      code,
      code_verifier: verifier,
    }),
  })
  const { access_token: accessToken } = (await answer.json()) as { readonly access_token: string }
  return {
    accessToken,
    async logOut() {
      await browser.go('/session/end')
      const xsrf = /name="xsrf" value="([0-9a-f]+)"/.exec(browser.page)?.[1]
      if (xsrf === undefined) throw new Error('the provider asks nothing before it logs out')
      await browser.go('/session/end/confirm', { xsrf, logout: 'yes' })
    },
  }
}

/** Keeps cookies and follows redirections, as long as they stay at one origin. */
class Browser {
  readonly #origin: string
  readonly #cookies = new Map<string, string>()
  /** Of the last page. */
  page = ''

  constructor(origin: string) {
    this.#origin = origin
  }

  /** @returns Where it ended: a page of the origin, or the first URL elsewhere. */
  async go(path: string, form: Readonly<Record<string, string>> | null = null): Promise<string> {
    let url = `${this.#origin}${path}`
    let body = form === null ? null : new URLSearchParams(form)
    for (let step = 0; step < STEPS_MAX; step += 1) {
      const response = await fetch(url, {
        method: body === null ? 'GET' : 'POST',
        redirect: 'manual',
        headers: { cookie: [...this.#cookies].map((pair) => pair.join('=')).join('; ') },
        ...(body === null ? {} : { body }),
      })
      this.page = await response.text()
      for (const cookie of response.headers.getSetCookie()) this.#keep(cookie)
      const location = response.headers.get('location')
      if (location === null) {
        if (!response.ok) throw new Error(`${url} answered ${response.status}: ${this.page}`)
        return url
      }
      url = new URL(location, url).href
      body = null
      if (!url.startsWith(`${this.#origin}/`)) return url
    }
    throw new Error('redirected for ever')
  }

  #keep(cookie: string): void {
    const pair = cookie.split(';', 1)[0] ?? ''
    const name = pair.slice(0, pair.indexOf('='))
    const value = pair.slice(name.length + 1)
    if (value === '') this.#cookies.delete(name)
    else this.#cookies.set(name, value)
  }
}
