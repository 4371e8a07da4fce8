/**
 * What taking a request to an upstream and its answer back costs, with 64 requests in flight and an
 * upstream in another process that answers two bytes. Run:
 * `node build/native-bench/proxy-dispatch.js`.
 *
 * - `pool, classic`: undici's `Pool.dispatch` with the classic callbacks, relaying as little as
 *   works.
 * - `pool, newer`: the same with the newer callbacks.
 * - `forward`: the whole of src/proxy with its header filter, without or with forwarding fields.
 *   The two before send none either.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Dispatcher, Pool } from 'undici'
import type { ClientExchange, RequestBody, RequestHead } from '../src/http/exchange.ts'
import type { HeaderList } from '../src/http/header-list.ts'
import { forward } from '../src/proxy/forward.ts'
import { forwardedFields } from '../src/proxy/forwarded-headers.ts'
import { createRequestFilter, requestHeaders } from '../src/proxy/hop-by-hop-headers.ts'
import { splitRequestFields } from '../src/proxy/request-fields.ts'
import type { UpstreamPool } from '../src/proxy/upstream-pool.ts'
import { createPool } from '../test/support/proxy-harness.ts'
import { type BenchCase, runBench } from './bench.ts'

const CONCURRENCY = 64
const TIMES_PER_ROUND = 10_000
const HEADERS = [
  'host',
  'api.example.com',
  'user-agent',
  'bench/1.0',
  'accept',
  '*/*',
  'connection',
  'keep-alive',
  'authorization',
  'Bearer x',
  'accept-encoding',
  'gzip, br',
]

/** An upstream that does next to nothing, in a process of its own; it ends with this one. */
const UPSTREAM_SOURCE = `
  const answer = Buffer.from('HTTP/1.1 200 OK\\r\\ncontent-type: text/plain\\r\\n' +
    'date: Thu, 01 Jan 1970 00:00:00 GMT\\r\\nconnection: keep-alive\\r\\ncontent-length: 2\\r\\n\\r\\nok')
  const server = require('node:net').createServer((socket) => {
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('data', () => socket.write(answer))
  })
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
  process.stdin.resume().on('end', () => process.exit())
`

/** A client that takes whatever it is given. */
class NullExchange implements ClientExchange {
  readonly head: RequestHead
  readonly body: RequestBody = {
    peek: () => Promise.resolve('client_gone'),
    read() {},
    discard() {},
    pause() {},
    resume() {},
    taken() {},
  }
  readonly peerAddress = '192.0.2.7'
  readonly scheme = 'http'
  closed = false
  started = false
  readonly #onSent: () => void

  constructor(head: RequestHead, onSent: () => void) {
    this.head = head
    this.#onSent = onSent
  }
  closeAfterAnswer(): void {}
  answer(): void {
    throw new Error('not part of this bench')
  }
  send(_status: string, _headers: HeaderList, _body: string | Uint8Array): void {
    this.closed = true
    this.#onSent()
  }
  sendHead(): void {
    throw new Error('not part of this bench')
  }
  start(): void {}
  write(): boolean {
    return true
  }
  finish(): void {
    this.#onSent()
  }
  destroy(): void {
    throw new Error('the bench upstream failed')
  }
  onGone(): void {}
  onDrain(): void {}
}

const HEAD: RequestHead = {
  method: 'GET',
  path: '/',
  query: '',
  hasQuery: false,
  headers: HEADERS,
  host: 'api.example.com',
  authority: 'api.example.com',
  contentLength: 0,
  hasBody: false,
}

type Once = (done: () => void) => void

function classic(pool: Pool): Once {
  return (done) => {
    const exchange = new NullExchange(HEAD, done)
    const headers: string[] = []
    let status = ''
    let body: Uint8Array = new Uint8Array(0)
    const handler: Dispatcher.DispatchHandler = {
      onConnect() {},
      onHeaders(statusCode, raw, _resume, statusText) {
        status = `${statusCode} ${statusText}`
        for (let index = 0; index + 1 < raw.length; index += 2) {
          const name = (raw[index] as Buffer).toString('latin1')
          if (isRelayed(name)) headers.push(name, (raw[index + 1] as Buffer).toString('latin1'))
        }
        return true
      },
      onData(chunk) {
        body = chunk
        return true
      },
      onComplete() {
        exchange.send(status, headers, body)
      },
      onError(error) {
        throw error
      },
    }
    pool.dispatch({ path: '/', method: 'GET', headers: relayedHeaders() }, handler)
  }
}

function newer(pool: Pool): Once {
  return (done) => {
    const exchange = new NullExchange(HEAD, done)
    const headers: string[] = []
    let status = ''
    let body: Uint8Array = new Uint8Array(0)
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart() {},
      onResponseStart(_controller, statusCode, fields, statusText) {
        status = `${statusCode} ${statusText}`
        for (const name in fields) if (isRelayed(name)) headers.push(name, String(fields[name]))
      },
      onResponseData(_controller, chunk) {
        body = chunk
      },
      onResponseEnd() {
        exchange.send(status, headers, body)
      },
      onResponseError(_controller, error) {
        throw error
      },
    }
    pool.dispatch({ path: '/', method: 'GET', headers: relayedHeaders() }, handler)
  }
}

function isRelayed(name: string): boolean {
  return name !== 'connection' && name !== 'date' && name !== 'content-length'
}

function relayedHeaders(): string[] {
  const headers: string[] = []
  for (let index = 0; index < HEADERS.length; index += 2) {
    const name = HEADERS[index] as string
    if (name !== 'connection') headers.push(name, HEADERS[index + 1] as string)
  }
  return headers
}

function forwarded(pool: UpstreamPool, tellsForwarded: boolean): Once {
  const filter = createRequestFilter([])
  const own = { answerHeaders: [] as HeaderList, withheldField: null }
  const observer = {
    onRefusal(code: string): void {
      throw new Error(code)
    },
    onAnswer(): void {},
    onSettled(): void {},
  }
  const relayed = () => requestHeaders(HEADERS, filter, null)
  const withForwarded = ({ peerAddress, scheme, head }: NullExchange) => {
    const { framing, lines } = splitRequestFields(relayed())
    const facts = { peerAddress, scheme, authority: head.authority } as const
    const rest = { forwarding: null, sendsForwarded: true, strippedPrefix: '' } as const
    const forwarded = forwardedFields({ ...facts, ...rest })
    return { headers: framing, gatewayFields: forwarded + lines }
  }
  return (done) => {
    const exchange = new NullExchange(HEAD, done)
    const fields = tellsForwarded
      ? withForwarded(exchange)
      : { headers: relayed(), gatewayFields: '' }
    const request = {
      method: 'GET',
      target: '/',
      ...fields,
      ...own,
      answerCors: null,
      responseEdits: null,
      limits: null,
    }
    forward(exchange, pool, request, observer)
  }
}

function concurrently(once: Once, requests: number): Promise<void> {
  return new Promise((resolve) => {
    let started = 0
    let ended = 0
    const next = (): void => {
      started += 1
      once(done)
    }
    const done = (): void => {
      ended += 1
      if (ended === requests) resolve()
      else if (started < requests) setImmediate(next)
    }
    for (let count = 0; count < CONCURRENCY; count += 1) next()
  })
}

function dispatching(name: string, once: Once): BenchCase {
  const run = (times: number): Promise<void> => concurrently(once, times)
  return { name, run, timesPerRound: TIMES_PER_ROUND }
}

const upstream = spawn(process.execPath, ['-e', UPSTREAM_SOURCE], {
  stdio: ['pipe', 'pipe', 'inherit'],
})
const [portText] = (await once(upstream.stdout, 'data')) as [Buffer]
const origin = `http://127.0.0.1:${Number(portText)}`
const plainPool = new Pool(origin, { connections: 256, pipelining: 1 })
const ownPool = createPool([origin], { connectionsPerTarget: 256 })
await runBench('CPU for taking one request to an upstream, 64 at a time', [
  dispatching('pool, classic', classic(plainPool)),
  dispatching('pool, newer', newer(plainPool)),
  dispatching('forward, without forwarding fields', forwarded(ownPool, false)),
  dispatching('forward', forwarded(ownPool, true)),
])
await plainPool.destroy()
await ownPool.destroy()
upstream.kill()
