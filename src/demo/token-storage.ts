/**
 * What the embedded provider keeps: opaque access tokens, so that they can be introspected and
 * revoked. One storage a provider; the package's own would be shared by all providers of a process.
 */

type Payload = Readonly<Record<string, unknown>>

/** A demonstration or a test does not issue more. */
const TOKENS_MAX = 100_000

/** Tokens of one provider, by kind and id. */
export class TokenStorage {
  readonly #payloads = new Map<string, Payload>()

  /** What the package calls an adapter, for one kind of thing. */
  adapter(kind: string): object {
    const payloads = this.#payloads
    const keyOf = (id: string) => `${kind}:${id}`
    return {
      async upsert(id: string, payload: Payload): Promise<void> {
        if (payloads.size < TOKENS_MAX) payloads.set(keyOf(id), payload)
      },
      async find(id: string): Promise<Payload | undefined> {
        return payloads.get(keyOf(id))
      },
      async findByUid(): Promise<undefined> {},
      async findByUserCode(): Promise<undefined> {},
      async consume(): Promise<void> {},
      async destroy(id: string): Promise<void> {
        payloads.delete(keyOf(id))
      },
      async revokeByGrantId(): Promise<void> {},
    }
  }
}
