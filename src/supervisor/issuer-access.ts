/**
 * By which connections, and with which fields, the keys of one issuer are fetched. A reload may
 * replace both without touching the keys: how they are fetched says nothing about what they are.
 */
import { isDeepStrictEqual } from 'node:util'
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import type { KeyAccess, KeyRequestField } from '../keys/key-access.ts'
import type { OutboundHttp } from '../resilience/outbound-http.ts'
import type { ResourceLease, Resources } from '../threads/resources.ts'
import { takeOutboundHttp } from '../threads/take-outbound-http.ts'

type ReachedIssuer = Pick<IssuerConfiguration, 'keys' | 'path'>

const NO_FIELDS: readonly KeyRequestField[] = []

export class IssuerAccess implements KeyAccess {
  http: OutboundHttp
  fields: readonly KeyRequestField[]
  readonly #resources: Resources
  readonly #connections: number
  #path: ReachedIssuer['path']
  #lease: ResourceLease

  /** @param connections For each origin, shared by all issuers that are reached alike. */
  constructor(issuer: ReachedIssuer, connections: number, resources: Resources) {
    this.#resources = resources
    this.#connections = connections
    this.#path = issuer.path
    this.#lease = resources.lease()
    this.http = takeOutboundHttp(this.#lease, this.#connections, issuer.path)
    this.fields = fieldsOf(issuer)
  }

  /**
   * @returns Ends what was in use before: to be called when what runs by it has had its time.
   *   `null`: the connections are the same.
   */
  use(issuer: ReachedIssuer): (() => void) | null {
    this.fields = fieldsOf(issuer)
    if (isDeepStrictEqual(this.#path, issuer.path)) return null
    this.#path = issuer.path
    const old = this.#lease
    this.#lease = this.#resources.lease()
    this.http = takeOutboundHttp(this.#lease, this.#connections, issuer.path)
    return () => void old.release()
  }

  /** Cuts what runs, unless another issuer is reached by the same connections. */
  release(): Promise<void> {
    return this.#lease.release()
  }
}

function fieldsOf({ keys }: ReachedIssuer): readonly KeyRequestField[] {
  return keys.kind === 'jwks' ? keys.fields : NO_FIELDS
}
