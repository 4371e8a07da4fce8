/** What the log says of the server that takes requests off the wire. */
import type { EventTable } from './event-row.ts'

export type EngineEvent =
  | {
      readonly event: 'native_server_loaded'
      readonly version: string | null
      readonly kind: string
      readonly sha256: string
    }
  /** `server.engine: node`. Alone: in one listener thread, whatever the number of cores. */
  | { readonly event: 'node_server_used' | 'node_server_alone'; readonly parser: string }

const PARSER = 'Version of llhttp, which reads requests.'

export const ENGINE_EVENTS: EventTable<EngineEvent> = {
  native_server_loaded: {
    level: 'info',
    meaning: 'Which binary of the native server is used.',
    fields: {
      version: 'Of the binary; `null`: not known.',
      kind: 'As installed, or made to run with an older C library.',
      sha256: 'Digest of the file.',
    },
  },
  node_server_used: {
    level: 'info',
    meaning: 'The engine is node:http (`server.engine: node`).',
    fields: { parser: PARSER },
  },
  node_server_alone: {
    level: 'warn',
    meaning:
      'The engine is node:http, and all requests are served by one thread: the optional package ' +
      '`koffi`, with which several threads share a port, is not there.',
    fields: { parser: PARSER },
  },
}
