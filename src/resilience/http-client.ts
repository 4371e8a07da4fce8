/**
 * The only door to the HTTP client library, and to no more of it than a gateway runs on:
 * connections, their pools and one kind of request.
 *
 * The library's own entry also loads `fetch`, caches, mocks and a second copy of itself that is
 * within Node: up to 100 ms of CPU and 20 MiB in each thread that starts.
 * test/unit/http-client.test.ts holds that these are the parts which that entry gives out.
 */
import { createRequire } from 'node:module'
import type * as Library from 'undici'

const load = createRequire(import.meta.url)

export const Agent: typeof Library.Agent = load('undici/lib/dispatcher/agent.js')
export const Client: typeof Library.Client = load('undici/lib/dispatcher/client.js')
export const buildConnector: typeof Library.buildConnector = load('undici/lib/core/connect.js')

const request: (
  this: Library.Agent,
  options: Library.Dispatcher.RequestOptions,
) => Promise<StartedResponse> = load('undici/lib/api/api-request.js')

/** One request through an agent. */
export function send(
  agent: Library.Agent,
  options: Library.Dispatcher.RequestOptions,
): Promise<StartedResponse> {
  return request.call(agent, options)
}

/** Receives what happens to a request. The classic callbacks: the newer ones wrap each of them. */
export type DispatchEvents = Library.Dispatcher.DispatchHandler
/** The head is there, the body is to be read. */
export type StartedResponse = Library.Dispatcher.ResponseData
export type Agent = Library.Agent
export type Client = Library.Client
export type Connector = Library.buildConnector.connector
