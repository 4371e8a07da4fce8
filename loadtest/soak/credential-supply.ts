/** Issues tokens all the time, so that a gateway under load meets new ones in every second. */
import { setTimeout as delay } from 'node:timers/promises'
import type { IdentityProvider } from '../../src/demo/identity-provider.ts'

const SCOPES = ['read', 'write']

export interface SupplyOptions {
  readonly provider: IdentityProvider
  /** New ones each second, all kinds of them together. */
  readonly jwtsPerSecond: number
  readonly opaquePerSecond: number
  readonly send: (kind: 'jwt' | 'opaque', tokens: string[]) => void
}

export class CredentialSupply {
  readonly #options: SupplyOptions
  readonly #over = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #failure: unknown = null
  #issued = 0

  constructor(options: SupplyOptions) {
    this.#options = options
  }

  /**
   * Some 3 ms a token. One after the other, because the provider answers the gateway meanwhile.
   *
   * @throws When the provider does not answer with one.
   */
  async issue(kind: 'jwt' | 'opaque', count: number): Promise<void> {
    const tokens: string[] = []
    for (let index = 0; index < count; index += 1) tokens.push(await this.#issueOne(kind))
    this.#options.send(kind, tokens)
  }

  /** From now on, until it is stopped. */
  begin(): void {
    this.#running = this.#run()
    this.#running.catch((error: unknown) => {
      this.#failure = error
    })
  }

  /** @throws What went wrong since it began: a soak without new tokens says too little. */
  assertRunning(): void {
    if (this.#failure !== null) throw this.#failure
  }

  /** @throws As {@link assertRunning}. */
  async stop(): Promise<void> {
    this.#over.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { jwtsPerSecond, opaquePerSecond } = this.#options
    const { signal } = this.#over
    while (!signal.aborted) {
      await delay(1_000, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      await this.issue('jwt', jwtsPerSecond)
      await this.issue('opaque', opaquePerSecond)
    }
  }

  #issueOne(kind: 'jwt' | 'opaque'): Promise<string> {
    const { provider } = this.#options
    const sub = `user-${this.#issued}`
    this.#issued += 1
    const claims = { sub, email: `${sub}@example.com`, roles: ['reader', 'editor'] }
    return kind === 'jwt'
      ? provider.issueAccessToken({ scopes: SCOPES, claims })
      : provider.issueOpaqueToken({ scopes: SCOPES, claims })
  }
}
