/** What the first native route leaves for the second one (uws-app.ts). */
import type { RequestHead } from '../http/exchange.ts'
import type { KnownPeer } from './known-peer.ts'
import type { NativeResponse } from './native-binary.ts'
import type { ServerRefusal } from './request-snapshot.ts'

export type YieldedRequest = RefusedRequest | GuardedRequest

export interface RefusedRequest {
  readonly kind: 'refused'
  readonly reason: ServerRefusal
  /** `Origin` as it came; empty: there is none. */
  readonly origin: string
  readonly secondHandle: NativeResponse
}

/** One that is handed up in a later turn. */
export interface GuardedRequest {
  readonly kind: 'guarded'
  readonly head: RequestHead
  readonly peer: KnownPeer
  /** `null`: it was not yielded. */
  readonly secondHandle: NativeResponse | null
}
