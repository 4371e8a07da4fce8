/**
 * What the native server makes of a PROXY header, pinned: which ones it reads, and when. Nothing
 * here is wished for; src/server/uws-app.ts has to live with it.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import {
  chooseNativeBinary,
  loadNativeBinary,
  type NativeApp,
} from '../../src/server/native-binary.ts'
import { proxiedAddressOf } from '../../src/server/peer-address.ts'
import { listenNatively } from '../support/native-port.ts'
import { noopTlv, proxied, proxyHeader, tcp4Payload, tcp6Payload } from '../support/proxy-header.ts'
import { openRaw, type RawConnection } from '../support/raw-http.ts'
import { SELF_SIGNED_CERTIFICATE } from '../support/self-signed-certificate.ts'

const native = loadNativeBinary(chooseNativeBinary({ allowUnknown: false, headBytesMax: 20_000 }))
const ADDRESS = '203.0.113.7'
const OTHER = '198.51.100.9'
const NONE = Buffer.alloc(0)
/** Long enough for an answer, were there any. */
const SILENCE_MS = 400

let app: NativeApp
let port = 0

before(async () => {
  app = native.App()
  port = await listen(app)
})

after(() => app.close())

/** Answers with the address. */
function listen(target: NativeApp): Promise<number> {
  target.any('/*', (response) => {
    response.end(`[${proxiedAddressOf(response)}]`)
  })
  return listenNatively(native, target)
}

const get = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')

async function withConnection<Result>(
  run: (connection: RawConnection) => Promise<Result>,
): Promise<Result> {
  const connection = await openRaw({ port })
  try {
    return await run(connection)
  } finally {
    connection.destroy()
  }
}

/** Sends these one after the other, and says what the address was for the last request. */
function addressAfter(...pieces: readonly Uint8Array[]): Promise<string> {
  return withConnection(async (connection) => {
    for (const piece of pieces) {
      connection.send(piece)
      // Its bytes are on their way before the next ones are written.
      await new Promise((resolve) => setImmediate(resolve))
    }
    const [answer] = await connection.waitForAnswers(1)
    return answer?.body.toString() ?? ''
  })
}

/** Sends this, and says what came back: nothing, or a status line. */
function answerTo(bytes: Uint8Array): Promise<string> {
  return withConnection(async (connection) => {
    connection.send(bytes)
    await connection.waitForClose(SILENCE_MS).catch(() => undefined)
    return connection.text.split('\r\n', 1)[0] ?? ''
  })
}

const withPayload = (family: 'tcp4' | 'tcp6' | 'unspec' | 'unix', payload: Uint8Array) =>
  Buffer.concat([proxyHeader({ command: 'proxy', family, payload }), get])

describe('a PROXY header that the native server reads', () => {
  it('names no address where there is none', async () => {
    assert.equal(await addressAfter(get), '[]')
  })

  it('has an IPv4 or an IPv6 source, and IPv4 that is mapped is IPv4', async () => {
    assert.equal(await addressAfter(proxied(ADDRESS), get), `[${ADDRESS}]`)
    const ipv6 = tcp6Payload('20010db8000000000000000000000001')
    assert.equal(await addressAfter(withPayload('tcp6', ipv6)), '[2001:db8::1]')
    const mapped = tcp6Payload('00000000000000000000ffffcb007107')
    assert.equal(await addressAfter(withPayload('tcp6', mapped)), `[${ADDRESS}]`)
  })

  it('may arrive in any pieces', async () => {
    const bytes = Buffer.concat([proxied(ADDRESS), get])
    for (let at = 1; at < proxied(ADDRESS).length + 4; at += 1) {
      const pieces = [bytes.subarray(0, at), bytes.subarray(at)]
      assert.equal(await addressAfter(...pieces), `[${ADDRESS}]`, `cut at ${at}`)
    }
    const single = [...bytes].map((byte) => Uint8Array.of(byte))
    assert.equal(await addressAfter(...single), `[${ADDRESS}]`)
  })

  it('names no address when it is UNSPEC, but does when it is LOCAL and has one', async () => {
    assert.equal(await addressAfter(withPayload('unspec', NONE)), '[]')
    assert.equal(await addressAfter(withPayload('unspec', tcp4Payload(ADDRESS))), '[]')
    const local = proxyHeader({ command: 'local', family: 'unspec', payload: NONE })
    assert.equal(await addressAfter(local, get), '[]')
    const payload = tcp4Payload(ADDRESS)
    const odd = proxyHeader({ command: 'local', family: 'tcp4', payload })
    assert.equal(await addressAfter(odd, get), `[${ADDRESS}]`)
  })

  it('has at most 36 bytes of addresses and TLVs: with more there is never an answer', async () => {
    const fits = Buffer.concat([tcp4Payload(ADDRESS), noopTlv(24)])
    assert.equal(await addressAfter(withPayload('tcp4', fits)), `[${ADDRESS}]`)
    const long = Buffer.concat([tcp4Payload(ADDRESS), noopTlv(25)])
    assert.equal(await answerTo(withPayload('tcp4', long)), '')
    const ipv6 = Buffer.concat([tcp6Payload('20010db8000000000000000000000001'), noopTlv(3)])
    assert.equal(await answerTo(withPayload('tcp6', ipv6)), '')
    assert.equal(await answerTo(withPayload('unix', Buffer.alloc(216))), '')
  })

  it('has the version 2: of another one, or in rubbish, there is never an answer', async () => {
    const payload = tcp4Payload(ADDRESS)
    const three = proxyHeader({ command: 'proxy', family: 'tcp4', payload, version: 3 })
    assert.equal(await answerTo(Buffer.concat([three, get])), '')
    const rubbish = Buffer.concat([Buffer.from(`\r\n\r\n${'x'.repeat(16)}`), get])
    assert.equal(await answerTo(rubbish), '')
  })

  it('is not the text of version 1, which is answered with 505', async () => {
    const one = Buffer.from('PROXY TCP4 203.0.113.7 127.0.0.1 1 2\r\n')
    assert.match(await answerTo(Buffer.concat([one, get])), /^HTTP\/1\.1 505 /)
  })

  it('is the only one in front of a request: after two there is never an answer', async () => {
    assert.equal(await answerTo(Buffer.concat([proxied(ADDRESS), proxied(OTHER), get])), '')
  })

  it('holds for the requests behind it, until another one comes, and that one counts', async () => {
    const addresses = await withConnection(async (connection) => {
      const pieces = [
        get,
        Buffer.concat([proxied(ADDRESS), get]),
        get,
        Buffer.concat([proxied(OTHER), get]),
      ]
      let answers: readonly { readonly body: Buffer }[] = []
      for (const [at, piece] of pieces.entries()) {
        connection.send(piece)
        answers = await connection.waitForAnswers(at + 1)
      }
      return answers.map(({ body }) => body.toString())
    })
    assert.deepEqual(addresses, ['[]', `[${ADDRESS}]`, `[${ADDRESS}]`, `[${OTHER}]`])
  })

  it('is none in front of TLS: then there is no handshake', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sallyport-proxy-header-'))
    const { cert, key } = SELF_SIGNED_CERTIFICATE
    const [certFile, keyFile] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
    writeFileSync(certFile, cert)
    writeFileSync(keyFile, key)
    const secure = native.SSLApp({ cert_file_name: certFile, key_file_name: keyFile })
    const securePort = await listen(secure)
    const handshake = (first: Uint8Array) =>
      new Promise<string>((resolve) => {
        const socket = connect(securePort, '127.0.0.1', () => {
          socket.write(first)
          const tls = connectTls({ socket, ca: cert, servername: 'localhost' })
          tls.on('secureConnect', () => {
            resolve('done')
            tls.destroy()
          })
          tls.on('error', () => resolve('failed'))
        })
        socket.on('error', () => undefined)
      })
    try {
      assert.equal(await handshake(NONE), 'done')
      assert.equal(await handshake(proxied(ADDRESS)), 'failed')
    } finally {
      secure.close()
      rmSync(directory, { recursive: true })
    }
  })
})
