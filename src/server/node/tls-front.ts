/** TLS of the engine on node:http: in front of the parser, its certificates can be replaced. */
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { createSecureContext, createServer, type Server, type TLSSocket } from 'node:tls'
import { CIPHERS } from '../ciphers.ts'
import type { ServerCertificates } from '../http-server.ts'
import type { TlsFiles } from '../native-apps.ts'

/** Of TLS 1.3. Without any, Node would not speak it. */
const CIPHERS_13 = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
].join(':')

const RULES = {
  ciphers: `${CIPHERS_13}:${CIPHERS}`,
  honorCipherOrder: true,
  minVersion: 'TLSv1.2',
} as const

interface Pair {
  readonly cert: Buffer
  readonly key: Buffer
}

export interface TlsFrontOptions {
  /** Of the whole handshake. */
  readonly timeoutMs: number
  /** It is agreed upon: requests come by this socket. */
  readonly onSecure: (raw: Socket, secure: Socket) => void
}

export class TlsFront implements ServerCertificates {
  readonly #server: Server
  /** Under way or agreed upon, by both ends: the TLS socket does not tell what it lies on. */
  readonly #raws = new Map<string, Socket>()
  #prepared: Pair | null = null

  /** @throws When the files hold no certificate with its key. */
  constructor(tls: TlsFiles, { timeoutMs, onSecure }: TlsFrontOptions) {
    this.#server = createServer({
      ...readPair(tls),
      ...RULES,
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: timeoutMs,
    })
    this.#server.on('secureConnection', (secure: TLSSocket) => {
      const raw = this.#raws.get(endsOf(secure))
      if (raw === undefined) secure.destroy()
      else onSecure(raw, secure)
    })
    this.#server.on('tlsClientError', (_error, secure) => secure.destroy())
  }

  /** Begins the handshake. */
  take(raw: Socket): void {
    const ends = endsOf(raw)
    this.#raws.set(ends, raw)
    raw.once('close', () => this.#raws.delete(ends))
    this.#server.emit('connection', raw)
  }

  prepareCertificate(tls: TlsFiles): void {
    this.#prepared = readPair(tls)
  }

  dropCertificate(): void {
    this.#prepared = null
  }

  useCertificate(): void {
    if (this.#prepared === null) return
    this.#server.setSecureContext({ ...this.#prepared, ...RULES })
    this.#prepared = null
  }
}

/** For a server without TLS: there is nothing to replace. */
export const NO_CERTIFICATES: ServerCertificates = {
  prepareCertificate: () => undefined,
  dropCertificate: () => undefined,
  useCertificate: () => undefined,
}

/** @throws When they do not belong together. */
function readPair({ certFile, keyFile }: TlsFiles): Pair {
  const pair = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
  createSecureContext(pair)
  return pair
}

function endsOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return [localAddress, localPort, remoteAddress, remotePort].join()
}
