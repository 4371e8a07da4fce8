/**
 * The PROXY header (version 2) that a trusted balancer may send before all else on a connection,
 * read in front of TLS and of the parser:
 * https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt
 */
import type { Socket } from 'node:net'
import { addressText } from '../peer-address.ts'

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
/** Signature, version and command, family, length of the rest. */
const FIXED_BYTES = 16
const COMMAND_OFFSET = 12
const FAMILY_OFFSET = 13
const LENGTH_OFFSET = 14
/** Addresses and what may follow them. Balancers send some hundred bytes at most. */
const REST_BYTES_MAX = 4_096
const VERSION_2_LOCAL = 0x20
const VERSION_2_PROXY = 0x21
/** Length of a source address by family and transport. Others have none. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = { 17: 4, 18: 4, 33: 16, 34: 16 }

/** `null`: the peer speaks for itself. Not a header of this kind: `malformed`. */
type Preamble = { readonly address: string | null; readonly sizeBytes: number } | 'malformed'

/**
 * Reads what a connection begins with.
 *
 * @returns `incomplete` as long as the bytes may be the beginning of a header.
 */
function readPreamble(bytes: Buffer): Preamble | 'incomplete' {
  const compared = Math.min(bytes.length, SIGNATURE.length)
  if (!bytes.subarray(0, compared).equals(SIGNATURE.subarray(0, compared))) {
    return { address: null, sizeBytes: 0 }
  }
  if (bytes.length < FIXED_BYTES) return 'incomplete'
  const restBytes = bytes.readUInt16BE(LENGTH_OFFSET)
  const command = bytes[COMMAND_OFFSET]
  if (restBytes > REST_BYTES_MAX) return 'malformed'
  if (command !== VERSION_2_LOCAL && command !== VERSION_2_PROXY) return 'malformed'
  const sizeBytes = FIXED_BYTES + restBytes
  if (bytes.length < sizeBytes) return 'incomplete'
  // The balancer itself, which looks whether this is well.
  if (command === VERSION_2_LOCAL) return { address: null, sizeBytes }
  const addressBytes = ADDRESS_BYTES[bytes[FAMILY_OFFSET] ?? 0]
  if (addressBytes === undefined) return { address: null, sizeBytes }
  // Both addresses, and both ports.
  if (restBytes < 2 * addressBytes + 4) return 'malformed'
  const address = addressText(bytes.subarray(FIXED_BYTES, FIXED_BYTES + addressBytes))
  return { address, sizeBytes }
}

/**
 * Takes the header off a connection that nothing else reads from yet. Bounded by the largest
 * header; the time it takes is the business of the caller. A connection that ends meanwhile is not
 * told.
 *
 * @param onRead `address`: `null` when there was no header, or one that names none.
 */
export function takePreamble(
  socket: Socket,
  onRead: (address: string | null) => void,
  onMalformed: () => void,
): void {
  let gathered = Buffer.alloc(0)
  const onReadable = () => {
    let chunk = socket.read() as Buffer | null
    while (chunk !== null) {
      gathered = Buffer.concat([gathered, chunk])
      chunk = socket.read() as Buffer | null
    }
    const preamble = readPreamble(gathered)
    if (preamble === 'incomplete') return
    socket.off('readable', onReadable)
    if (preamble === 'malformed') {
      onMalformed()
      return
    }
    const rest = gathered.subarray(preamble.sizeBytes)
    if (rest.length > 0) socket.unshift(rest)
    onRead(preamble.address)
  }
  socket.on('readable', onReadable)
}
