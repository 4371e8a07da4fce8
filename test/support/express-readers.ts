/** What services on Express read out of a body: its parsers, as they are and in other settings. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'

/** Settings that the types do not know. */
const TELLS_ITS_CHARSET = { extended: true, charsetSentinel: true, interpretNumericEntities: true }

const PARSERS = {
  json: express.json(),
  'json, of any type': express.json({ type: () => true }),
  'json, and not strict': express.json({ type: () => true, strict: false }),
  form: express.urlencoded(),
  'form, nested': express.urlencoded({ extended: true }),
  'form, which tells its charset': express.urlencoded(TELLS_ITS_CHARSET),
} as const

/** Nothing is read of a body that the parser refuses, and none that is not for it. */
export interface Reading {
  readonly parser: string
  /** Its value under the name; `undefined` when there is none. */
  readonly value: unknown
}

export class ExpressReaders {
  readonly #server: Server
  readonly #field: string

  private constructor(server: Server, field: string) {
    this.#server = server
    this.#field = field
  }

  /** All of them read the member of this name. The caller closes them. */
  static async start(field: string): Promise<ExpressReaders> {
    const app = express()
    Object.values(PARSERS).forEach((parser, index) => {
      app.post(`/${index}`, parser, (request, response) => {
        response.json(read(request.body, field))
      })
    })
    app.use(((_error, _request, response, _next) => {
      response.json(read(undefined, field))
    }) satisfies express.ErrorRequestHandler)
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new ExpressReaders(server, field)
  }

  get field(): string {
    return this.#field
  }

  readAll(body: Uint8Array, contentType: string): Promise<readonly Reading[]> {
    const { port } = this.#server.address() as AddressInfo
    return Promise.all(
      Object.keys(PARSERS).map(async (parser, index) => {
        const response = await fetch(`http://127.0.0.1:${port}/${index}`, {
          method: 'POST',
          body,
          headers: { 'content-type': contentType },
        })
        const { found } = (await response.json()) as { readonly found: readonly unknown[] }
        return { parser, value: found[0] }
      }),
    )
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

/** In a list, because an absent member and `null` are not the same. */
function read(body: unknown, field: string): { readonly found: readonly unknown[] } {
  const isObject = typeof body === 'object' && body !== null && Object.hasOwn(body, field)
  return { found: isObject ? [(body as Record<string, unknown>)[field]] : [] }
}
