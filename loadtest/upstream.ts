/**
 * The upstream of the load tests, a process of its own: answers as many bytes as the path says, two
 * to everything else, once it has read the body.
 */
import type { HttpResponse } from 'uWebSockets.js'
import { nativeServer } from './native-server.ts'
import { bodyOf, SIZED_PATH, SMALL_ANSWER_BYTES, STREAMED_PATH } from './scenario.ts'

const PIECE_BYTES = 16_384

const bodies = new Map<number, string>()

/** Made once for each length, because the upstream must not be what a test measures. */
function body(bytes: number): string {
  const known = bodies.get(bytes)
  if (known !== undefined) return known
  const made = bodyOf(bytes)
  bodies.set(bytes, made)
  return made
}

function answer(response: HttpResponse, bytes: number): void {
  response.cork(() => {
    response.writeHeader('content-type', 'text/plain').end(body(bytes))
  })
}

/** Without a length, so in chunks. */
function stream(response: HttpResponse, bytes: number): void {
  response.cork(() => {
    response.writeHeader('content-type', 'text/plain')
    for (let sent = 0; sent < bytes; sent += PIECE_BYTES) {
      response.write(body(Math.min(PIECE_BYTES, bytes - sent)))
    }
    response.end()
  })
}

const server = nativeServer()
server
  .App()
  .post('/*', (response) => {
    response.onAborted(() => {})
    response.onData((_part, isLast) => {
      if (isLast) answer(response, SMALL_ANSWER_BYTES)
    })
  })
  .get(`${SIZED_PATH}*`, (response, request) => {
    answer(response, Number(request.getUrl().slice(SIZED_PATH.length)))
  })
  .get(`${STREAMED_PATH}*`, (response, request) => {
    stream(response, Number(request.getUrl().slice(STREAMED_PATH.length)))
  })
  .any('/*', (response) => {
    response.writeHeader('content-type', 'text/plain').end(body(SMALL_ANSWER_BYTES))
  })
  .listen('127.0.0.1', Number(process.argv[2]), (socket) => {
    if (!socket) process.exit(1)
  })
