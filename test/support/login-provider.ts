/** A real OpenID provider at which a user logs in and out, as a browser would have them do. */
import { createServer } from 'node:http'
import { Provider } from 'oidc-provider'
import { ecKeyPair } from './key-documents.ts'
import { listen } from './listening-port.ts'

export const LOGIN_CLIENT = 'web'
export const LOGIN_AUDIENCE = 'api.test'
const CLIENT_SECRET = 'a secret of this test alone'
const REDIRECT_URI = 'http://127.0.0.1:9/callback'
const RESOURCE = 'urn:api'
const REDIRECTS_MAX = 12

export interface LoginProvider {
  readonly issuer: string
  stop(): Promise<void>
}

/** @param backchannelLogoutUri Where the provider sends logout tokens. */
export async function startLoginProvider(backchannelLogoutUri: string): Promise<LoginProvider> {
  const server = createServer()
  const issuer = `http://127.0.0.1:${await listen(server)}`
  const jwk = { ...ecKeyPair('P-256').privateJwk, kid: 'login', use: 'sig', alg: 'ES256' }
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: LOGIN_CLIENT,
        client_secret: CLIENT_SECRET,
        token_endpoint_auth_method: 'client_secret_post',
        redirect_uris: [REDIRECT_URI],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        id_token_signed_response_alg: 'ES256',
        backchannel_logout_uri: backchannelLogoutUri,
        backchannel_logout_session_required: true,
      },
    ],
    jwks: { keys: [jwk] },
    cookies: { keys: ['a key of this test alone'] },
    pkce: { required: () => false },
    findAccount: (_: unknown, id: string) => ({
      accountId: id,
      claims: () => Promise.resolve({ sub: id }),
    }),
    features: {
      devInteractions: { enabled: true },
      backchannelLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'read',
          audience: LOGIN_AUDIENCE,
          accessTokenTTL: 600,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  })
  const handle = provider.callback()
  server.on('request', (request, response) => void handle(request, response))
  return {
    issuer,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** One browser: it keeps cookies and follows redirects until it leaves the provider. */
export class Browser {
  readonly #issuer: string
  readonly #cookies = new Map<string, string>()
  #idToken = ''

  constructor(issuer: string) {
    this.#issuer = issuer
  }

  /** @returns The access token that the client then holds. */
  async logIn(user: string): Promise<string> {
    const query = new URLSearchParams({
      client_id: LOGIN_CLIENT,
      response_type: 'code',
      scope: 'openid read',
      redirect_uri: REDIRECT_URI,
      resource: RESOURCE,
    })
    const login = await this.#follow(`${this.#issuer}/auth?${query.toString()}`)
    const form = { prompt: 'login', login: user, password: 'any' }
    const consent = await this.#follow(login, form)
    const callback = await this.#follow(consent, { prompt: 'consent' })
    const code = new URL(callback).searchParams.get('code') ?? ''
    const answer = await fetch(`${this.#issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        redirect_uri: REDIRECT_URI,
        client_id: LOGIN_CLIENT,
        client_secret: CLIENT_SECRET,
      }),
    })
    const tokens = (await answer.json()) as { access_token?: string; id_token?: string }
    if (tokens.access_token === undefined) throw new Error(`no token: ${JSON.stringify(tokens)}`)
    this.#idToken = tokens.id_token ?? ''
    return tokens.access_token
  }

  async logOut(): Promise<void> {
    const url = `${this.#issuer}/session/end?id_token_hint=${this.#idToken}`
    const page = await (await this.#ask(url)).text()
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page)?.[1]
    if (xsrf === undefined) throw new Error('the provider shows no form to log out')
    await this.#ask(`${this.#issuer}/session/end/confirm`, { xsrf, logout: 'yes' })
  }

  /** @returns The first address that answers without a redirect, or is not the provider's. */
  async #follow(start: string, form?: Readonly<Record<string, string>>): Promise<string> {
    let url = start
    let body = form
    for (let count = 0; count < REDIRECTS_MAX; count += 1) {
      if (!url.startsWith(this.#issuer)) return url
      const answer = await this.#ask(url, body)
      const location = answer.headers.get('location')
      if (location === null) return url
      url = new URL(location, url).href
      body = undefined
    }
    throw new Error('the provider redirects for ever')
  }

  async #ask(url: string, form?: Readonly<Record<string, string>>): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const sent = form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }
    const answer = await fetch(url, { ...sent, headers: { cookie }, redirect: 'manual' })
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '') this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    return answer
  }
}
