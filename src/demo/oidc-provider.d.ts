/**
 * The part of `oidc-provider` 8 that the demonstration uses: the package has no types of its own.
 */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  export class Provider {
    constructor(issuer: string, configuration: object)
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>
  }

  export const errors: { readonly InvalidTarget: new () => Error }
}
