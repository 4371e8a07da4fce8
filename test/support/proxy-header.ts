/** Headers of the PROXY protocol, version 2, byte by byte: what a proxy sends before all else. */

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const VERSION_2 = 0x20
const LENGTH_OFFSET = 2

export const PROXY_COMMANDS = { local: 0, proxy: 1 } as const
export const PROXY_FAMILIES = { unspec: 0x00, tcp4: 0x11, tcp6: 0x21, unix: 0x31 } as const

export interface ProxyHeaderParts {
  readonly command: keyof typeof PROXY_COMMANDS
  readonly family: keyof typeof PROXY_FAMILIES
  /** Addresses, ports, and what may follow them. */
  readonly payload: Uint8Array
  /** Default 2. */
  readonly version?: number
}

export function proxyHeader({ command, family, payload, version }: ProxyHeaderParts): Buffer {
  const rest = Buffer.alloc(LENGTH_OFFSET + 2)
  rest[0] = (version === undefined ? VERSION_2 : version << 4) | PROXY_COMMANDS[command]
  rest[1] = PROXY_FAMILIES[family]
  rest.writeUInt16BE(payload.length, LENGTH_OFFSET)
  return Buffer.concat([SIGNATURE, rest, payload])
}

/** Source, destination and their ports. @param address IPv4, dotted. */
export function tcp4Payload(address: string): Buffer {
  return Buffer.from([...address.split('.').map(Number), 127, 0, 0, 1, 0x80, 0x01, 0x00, 0x50])
}

/** The same with an IPv6 source. @param hex Its sixteen bytes. */
export function tcp6Payload(hex: string): Buffer {
  return Buffer.concat([
    Buffer.from(hex, 'hex'),
    Buffer.alloc(16, 1),
    Buffer.from('80010050', 'hex'),
  ])
}

/** What a proxy sends for a client at an IPv4 address. */
export function proxied(address: string): Buffer {
  return proxyHeader({ command: 'proxy', family: 'tcp4', payload: tcp4Payload(address) })
}

/** A TLV of PP2_TYPE_NOOP, with so many bytes in all. */
export function noopTlv(sizeBytes: number): Buffer {
  const tlv = Buffer.alloc(sizeBytes)
  tlv[0] = 0x04
  tlv.writeUInt16BE(sizeBytes - 3, 1)
  return tlv
}
