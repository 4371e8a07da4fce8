/**
 * A real server in this process, with a trivial handler, for tests over real sockets: the native
 * one, or the one on node:http (test-engine.ts).
 */
import { AddressRanges } from '../../src/http/address-ranges.ts'
import type { ClientExchange } from '../../src/http/exchange.ts'
import type { HttpServer, HttpServerOptions, ServerTimeouts } from '../../src/server/http-server.ts'
import { LINGERING_BOUNDS, type LingeringBounds } from '../../src/server/lingering.ts'
import { chooseNativeBinary, loadNativeBinary } from '../../src/server/native-binary.ts'
import { NodeServer } from '../../src/server/node/node-server.ts'
import type {
  RequestLimits,
  RequestRules,
  ServerRefusal,
} from '../../src/server/request-snapshot.ts'
import { createNativeServer } from '../../src/server/uws-app.ts'
import { STRICT_RULES } from './read-head.ts'
import { type Engine, testEngine } from './test-engine.ts'

const TEST_LIMITS: RequestLimits = {
  headers: 100,
  headerBytes: 16_384,
  urlBytes: 8_192,
  bodyBytes: 1_048_576,
}

/** The native server keeps to its own clock for heads and idle connections: to about these. */
const TEST_TIMEOUTS: ServerTimeouts = {
  headMs: 10_000,
  bodyMs: 60_000,
  bodyMinRate: 512,
  requestMs: null,
  stalledReaderMs: 60_000,
  keepAliveMs: 9_000,
}

/** A client that sends nothing for a second is not waited for, so that no test waits for it. */
const TEST_LINGERING: LingeringBounds = { ...LINGERING_BOUNDS, quietSweepsMax: 1 }

/** Room for the largest head that the limits allow, and for one that is just too large. */
const HEAD_BYTES_MAX = 32_768

const REFUSAL_STATUS: Readonly<Record<ServerRefusal, string>> = {
  request_malformed: '400 Bad Request',
  method_unknown: '501 Not Implemented',
  websocket_unsupported: '501 Not Implemented',
  body_too_large: '413 Payload Too Large',
  uri_too_long: '414 URI Too Long',
  headers_too_large: '431 Request Header Fields Too Large',
}

const nativeServerModule = loadNativeBinary(
  chooseNativeBinary({ allowUnknown: false, headBytesMax: HEAD_BYTES_MAX }),
)

export interface RunningServer {
  readonly server: HttpServer
  readonly port: number
  /** Paths that reached the handler. */
  readonly handled: string[]
  readonly refused: ServerRefusal[]
  readonly errors: unknown[]
}

export interface RunningServerOptions {
  /** Default: nothing that is not standard. */
  readonly rules?: RequestRules
  /** Beside the standard ones. Default: none. */
  readonly methods?: readonly string[]
  readonly limits?: Partial<RequestLimits>
  readonly timeouts?: Partial<ServerTimeouts>
  readonly lingering?: Partial<LingeringBounds>
  /** Default: none. */
  readonly trustedPeers?: readonly string[]
  /** Default: as the environment says. */
  readonly engine?: Engine
  /** Default: any free one. */
  readonly port?: number
  readonly tls?: { readonly certFile: string; readonly keyFile: string }
}

/** Starts a server on a free port of the loopback; the caller ends it with `server.closeAll()`. */
export async function startServer(
  onRequest: (exchange: ClientExchange) => void,
  options: RunningServerOptions = {},
): Promise<RunningServer> {
  const handled: string[] = []
  const refused: ServerRefusal[] = []
  const errors: unknown[] = []
  const trustedPeers = new AddressRanges(options.trustedPeers ?? [])
  const serverOptions: HttpServerOptions = {
    limits: { ...TEST_LIMITS, ...options.limits },
    lingering: { ...TEST_LINGERING, ...options.lingering },
    timeouts: { ...TEST_TIMEOUTS, ...options.timeouts },
    rules: options.rules ?? STRICT_RULES,
    takesMethod: (method) => options.methods?.includes(method) === true,
    tls: options.tls ?? null,
    trustedPeers: () => trustedPeers,
    onRequest: (exchange) => {
      handled.push(exchange.head.path)
      onRequest(exchange)
    },
    renderRefusal: (code) => {
      refused.push(code)
      return {
        status: REFUSAL_STATUS[code],
        headers: ['X-Refusal', code],
        body: `{"error":"${code}"}`,
      }
    },
    onError: (error) => errors.push(error),
  }
  const { server, port } = await listen(options, serverOptions)
  return { server, port, handled, refused, errors }
}

async function listen(
  { engine = testEngine, port = 0 }: RunningServerOptions,
  options: HttpServerOptions,
): Promise<{ readonly server: HttpServer; readonly port: number }> {
  const host = '127.0.0.1'
  if (engine === 'native') {
    const server = createNativeServer(nativeServerModule, options)
    return { server, port: await server.listen(host, port, { isExclusive: true }) }
  }
  const server = new NodeServer(options)
  return { server, port: await server.listen({ host, port, descriptor: null }) }
}
