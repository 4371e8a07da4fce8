/** What the gateway answers by itself on the main port, before any route: one row an endpoint. */
import type { Endpoint } from '../http/endpoint-table.ts'
import type { AnsweredExchange, RequestHead } from '../http/exchange.ts'

export interface MainEndpoint extends Endpoint {
  readonly kind: 'own'
  /** Whether the request is for this endpoint; otherwise it is for the routes. */
  takes(head: RequestHead): boolean
  /** Answers the exchange. Never authenticates, never proxies. */
  answer(exchange: AnsweredExchange): void
}
