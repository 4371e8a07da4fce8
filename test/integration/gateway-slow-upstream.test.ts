/**
 * A request whose body has arrived may wait for its upstream as long as the upstream's time-outs
 * say, whatever its client is and however it framed the body: the native server's clock of 10 to
 * 12 s for bodies that make no progress must not run once there is none to come.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request as requestPlain, type Server } from 'node:http'
import { request as requestTls } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { missingProgram } from '../support/missing-program.ts'
import { SELF_SIGNED_CERTIFICATE } from '../support/self-signed-certificate.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'

/** Beyond the native server's clock, however its ticks fall. */
const UPSTREAM_MS = 15_000
const BODY = 'one part, two parts'

let directory = ''
let upstream: Server
let plain: TestGateway
let secure: TestGateway

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-slow-'))
  const tls = { certFile: join(directory, 'cert.pem'), keyFile: join(directory, 'key.pem') }
  writeFileSync(tls.certFile, SELF_SIGNED_CERTIFICATE.cert)
  writeFileSync(tls.keyFile, SELF_SIGNED_CERTIFICATE.key)
  upstream = createServer((request, response) => {
    void text(request).then((body) => setTimeout(() => response.end(body), UPSTREAM_MS))
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  plain = await startGateway(configuration({}))
  secure = await startGateway(configuration({ tls }))
})

after(async () => {
  await Promise.all([plain.stop(), secure.stop()])
  upstream.close()
  rmSync(directory, { recursive: true })
})

function configuration(server: object): string {
  const { port } = upstream.address() as AddressInfo
  const drain = { delay: '0s', timeout: '200ms' }
  return JSON.stringify({
    server: { host: '127.0.0.1', port: 0, drain, ...server },
    admin: { host: '127.0.0.1', port: 0 },
    issuers: {},
    upstreams: { only: { targets: [`http://127.0.0.1:${port}`] } },
    routes: [{ name: 'all', match: { path: '/*' }, upstream: 'only', authenticate: 'none' }],
  })
}

/** What a client got: the status and the body, which is the one that it sent. */
interface Outcome {
  readonly status: number
  readonly body: string
}

type Client = (port: number, isSecure: boolean) => Promise<Outcome>

async function nodeHttp(port: number, isSecure: boolean, parts: readonly string[]) {
  const send = isSecure ? requestTls : requestPlain
  const options = { host: '127.0.0.1', port, method: 'POST', rejectUnauthorized: false }
  const request = send(options)
  for (const part of parts) {
    request.write(part)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  request.end()
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage]
  return { status: response.statusCode ?? 0, body: await text(response) }
}

/** A program that reads the body, and prints the status in its first line, the body in its last. */
async function program(command: string, words: readonly string[]): Promise<Outcome> {
  const child = spawn(command, words, { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(BODY)
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')])
  const status = /^(?:HTTP\/1.1 )?(\d{3})/.exec(output)?.[1]
  return { status: Number(status), body: output.trimEnd().split('\n').at(-1) ?? '' }
}

const PYTHON = `
import http.client, ssl, sys
port, is_secure = int(sys.argv[1]), sys.argv[2] == 'true'
context = ssl._create_unverified_context()
connection = (http.client.HTTPSConnection('127.0.0.1', port, context=context) if is_secure
              else http.client.HTTPConnection('127.0.0.1', port))
def parts():
    yield b'one part, '
    yield b'two parts'
connection.request('POST', '/', body=parts(), encode_chunked=True,
                   headers={'Transfer-Encoding': 'chunked'})
answer = connection.getresponse()
print(answer.status)
print(answer.read().decode())
`

const FETCH = `
const [, port, isSecure] = process.argv
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
process.removeAllListeners('warning')
const body = new ReadableStream({
  start(controller) {
    controller.enqueue(new TextEncoder().encode('one part, '))
    setTimeout(() => {
      controller.enqueue(new TextEncoder().encode('two parts'))
      controller.close()
    }, 50)
  },
})
const url = (isSecure === 'true' ? 'https' : 'http') + '://127.0.0.1:' + port + '/'
const answer = await fetch(url, { method: 'POST', body, duplex: 'half' })
console.log(answer.status)
console.log(await answer.text())
`

const CLIENTS: Readonly<Record<string, Client>> = {
  'node:http in chunks': (port, isSecure) => nodeHttp(port, isSecure, ['one part, ', 'two parts']),
  'node:http in one chunk': (port, isSecure) => nodeHttp(port, isSecure, [BODY]),
  'fetch with a stream': (port, isSecure) =>
    program(process.execPath, ['--input-type=module', '-e', FETCH, String(port), String(isSecure)]),
  'curl in chunks': (port, isSecure) =>
    program('curl', [
      ...['-s', '-k', '-i', '-H', 'Transfer-Encoding: chunked', '-H', 'Expect:'],
      ...['--data-binary', '@-', `${isSecure ? 'https' : 'http'}://127.0.0.1:${port}/`],
    ]),
  'python with a generator': (port, isSecure) =>
    program('python3', ['-c', PYTHON, String(port), String(isSecure)]),
}

/** Clients that are not part of Node. */
const COMMANDS = new Map([
  ['curl in chunks', 'curl'],
  ['python with a generator', 'python3'],
])

describe('an upstream that takes longer than the native clock', { concurrency: true }, () => {
  for (const isSecure of [false, true]) {
    for (const [name, client] of Object.entries(CLIENTS)) {
      const command = COMMANDS.get(name)
      const skip = command === undefined ? false : missingProgram(command)

      it(`answers ${name} over ${isSecure ? 'TLS' : 'plain HTTP'}`, { skip }, async () => {
        const outcome = await client((isSecure ? secure : plain).port, isSecure)
        assert.deepEqual(outcome, { status: 200, body: BODY })
      })
    }
  }
})
