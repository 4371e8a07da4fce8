/** A real OpenID provider in a process of its own, asked for tokens as any client asks. */
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { describeEnd } from './child-ends.ts'
import type { ProviderOrder, ProviderReport } from './provider-process.ts'

/** The client and the resource that src/demo/identity-provider.ts knows. */
const CLIENT = Buffer.from('demo-client:demo-client-secret').toString('base64')
const RESOURCE = 'urn:sallyport:demo:RS256'

export class ForkedProvider {
  readonly issuer: string
  readonly #child: ChildProcess
  #keyId: string

  /** Settles when it answers. @param port Reserved: it is to come back there. */
  static async start(port: number): Promise<ForkedProvider> {
    const child = fork(new URL('./provider-process.js', import.meta.url), [String(port)])
    return new ForkedProvider(child, await nextReport(child))
  }

  private constructor(child: ChildProcess, { issuer, keyId }: ProviderReport) {
    this.#child = child
    this.issuer = issuer
    this.#keyId = keyId
  }

  /** Of the key that signs. */
  get keyId(): string {
    return this.#keyId
  }

  /** An access token of the client credentials grant. */
  async token(scope: string): Promise<string> {
    const answer = await fetch(`${this.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${CLIENT}` },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        resource: RESOURCE,
        scope,
      }),
    })
    const { access_token: token } = (await answer.json()) as { readonly access_token?: string }
    assert.ok(token !== undefined, `the provider answers ${answer.status}`)
    return token
  }

  /** Signs with a new key from now on. */
  async rotate(order: ProviderOrder): Promise<void> {
    const reported = nextReport(this.#child)
    this.#child.send(order)
    this.#keyId = (await reported).keyId
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const hasEnded = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await hasEnded
  }
}

function nextReport(child: ChildProcess): Promise<ProviderReport> {
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error(describeEnd('the provider', child, [])))
    child.once('exit', onExit)
    child.once('message', (report: ProviderReport) => {
      child.off('exit', onExit)
      resolve(report)
    })
  })
}
