/** One realm of a Keycloak, set up by the way that its administrators have: the admin REST API. */
import { ADMINISTRATOR } from './keycloak-server.ts'

type Json = Readonly<Record<string, unknown>>

export interface Tokens {
  readonly accessToken: string
  readonly idToken: string
  readonly refreshToken: string
}

export interface RealmKey {
  /** It signs nothing any longer. */
  makePassive(): Promise<void>
  remove(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly location: string | null
  readonly body: unknown
}

export const PASSWORD = 'correct horse'
/** What each client of the tests proves itself with. */
export const secretOf = (client: string): string => `secret of ${client}`

export class KeycloakRealm {
  readonly name: string
  readonly #origin: string

  private constructor(origin: string, name: string) {
    this.#origin = origin
    this.name = name
  }

  /** @param settings On top of its name: what the import of a realm takes. */
  static async create(origin: string, name: string, settings: Json): Promise<KeycloakRealm> {
    const realm = new KeycloakRealm(origin, name)
    await realm.#administer('DELETE', '', undefined, [204, 404])
    const body = { realm: name, enabled: true, ...settings }
    await realm.#administerAt(`${origin}/admin/realms`, 'POST', body, [201])
    return realm
  }

  /** What `iss` holds, and what everything else is below. */
  get issuer(): string {
    return `${this.#origin}/realms/${this.name}`
  }

  /**
   * A user's tokens for a client of the tests.
   *
   * @param origin By which name Keycloak is called.
   * @param fields Of the request: a DPoP proof.
   */
  async logIn(
    client: string,
    user: string,
    origin = this.#origin,
    fields: Readonly<Record<string, string>> = {},
  ): Promise<Tokens> {
    const form = {
      grant_type: 'password',
      client_id: client,
      client_secret: secretOf(client),
      username: user,
      password: PASSWORD,
      scope: 'openid',
    }
    return this.#tokens(origin, form, fields)
  }

  /** Where clients get their tokens. */
  get tokenEndpoint(): string {
    return `${this.issuer}/protocol/openid-connect/token`
  }

  /** The access token of a client that acts for itself. */
  async clientToken(client: string): Promise<string> {
    const { accessToken } = await this.#tokens(this.#origin, {
      grant_type: 'client_credentials',
      client_id: client,
      client_secret: secretOf(client),
    })
    return accessToken
  }

  /** Ends the session of these tokens, as a client does that its user leaves. */
  async logOut(client: string, { refreshToken }: Tokens): Promise<void> {
    const answer = await fetch(`${this.issuer}/protocol/openid-connect/logout`, {
      method: 'POST',
      body: new URLSearchParams({
        client_id: client,
        client_secret: secretOf(client),
        refresh_token: refreshToken,
      }),
    })
    if (answer.status !== 204) throw new Error(`no logout: ${answer.status}`)
  }

  /** Ends all sessions of a user, as an administrator does. */
  async logOutUser(user: string): Promise<void> {
    await this.#administer('POST', `/users/${await this.#userId(user)}/logout`, {}, [204])
  }

  /** Puts this name into `aud` of what the client gets: the audience mapper of its own scope. */
  async addAudience(client: string, audience: string): Promise<void> {
    const path = `/clients/${await this.#clientId(client)}/protocol-mappers/models`
    const mapper = {
      name: `audience ${audience}`,
      protocol: 'openid-connect',
      protocolMapper: 'oidc-audience-mapper',
      config: { 'included.custom.audience': audience, 'access.token.claim': 'true' },
    }
    await this.#administer('POST', path, mapper, [201])
  }

  /** Changes attributes of a client. */
  async setAttributes(client: string, attributes: Json): Promise<void> {
    const path = `/clients/${await this.#clientId(client)}`
    const { body } = await this.#administer('GET', path, undefined, [200])
    const { attributes: before } = body as { readonly attributes?: Json }
    const changed = { ...(body as Json), attributes: { ...before, ...attributes } }
    await this.#administer('PUT', path, changed, [204])
  }

  /** A new RSA key that signs from now on, where no other has a higher priority. */
  async addKey(priority: number): Promise<RealmKey> {
    const { body } = await this.#administer('GET', '', undefined, [200])
    const component = {
      name: `rsa ${priority}`,
      providerId: 'rsa-generated',
      providerType: 'org.keycloak.keys.KeyProvider',
      parentId: (body as { readonly id: string }).id,
      config: { priority: [String(priority)], algorithm: ['RS256'], keySize: ['2048'] },
    }
    const { location } = await this.#administer('POST', '/components', component, [201])
    const path = `/components/${location?.split('/').at(-1) ?? ''}`
    const change = (config: Json) =>
      this.#administer(
        'PUT',
        path,
        { ...component, config: { ...component.config, ...config } },
        [204],
      ).then(() => {})
    return {
      makePassive: () => change({ active: ['false'] }),
      remove: () => this.#administer('DELETE', path, undefined, [204]).then(() => {}),
    }
  }

  async #clientId(client: string): Promise<string> {
    const { body } = await this.#administer('GET', `/clients?clientId=${client}`, undefined, [200])
    return (body as readonly { readonly id: string }[])[0]?.id ?? ''
  }

  async #userId(user: string): Promise<string> {
    const path = `/users?exact=true&username=${user}`
    const { body } = await this.#administer('GET', path, undefined, [200])
    return (body as readonly { readonly id: string }[])[0]?.id ?? ''
  }

  #administer(
    method: string,
    path: string,
    body: Json | undefined,
    statuses: readonly number[],
  ): Promise<Answer> {
    return this.#administerAt(
      `${this.#origin}/admin/realms/${this.name}${path}`,
      method,
      body,
      statuses,
    )
  }

  async #administerAt(
    url: string,
    method: string,
    body: Json | undefined,
    statuses: readonly number[],
  ): Promise<Answer> {
    const response = await fetch(url, {
      method,
      headers: {
        authorization: `Bearer ${await this.#administratorToken()}`,
        'content-type': 'application/json',
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!statuses.includes(response.status)) {
      throw new Error(`${method} ${url}: ${response.status} ${text}`)
    }
    return {
      status: response.status,
      location: response.headers.get('location'),
      body: text === '' ? null : JSON.parse(text),
    }
  }

  /** It lives for a minute, so each call takes a new one. */
  async #administratorToken(): Promise<string> {
    const url = `${this.#origin}/realms/master/protocol/openid-connect/token`
    const form = { grant_type: 'password', client_id: 'admin-cli', ...ADMINISTRATOR }
    const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form) })
    const { access_token: token } = (await response.json()) as { readonly access_token: string }
    return token
  }

  async #tokens(
    origin: string,
    form: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Tokens> {
    const url = this.tokenEndpoint.replace(this.#origin, origin)
    const response = await fetch(url, { method: 'POST', headers, body: new URLSearchParams(form) })
    const answer = (await response.json()) as Readonly<Record<string, string | undefined>>
    if (answer['access_token'] === undefined) throw new Error(JSON.stringify(answer))
    return {
      accessToken: answer['access_token'],
      idToken: answer['id_token'] ?? '',
      refreshToken: answer['refresh_token'] ?? '',
    }
  }
}
