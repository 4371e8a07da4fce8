/**
 * Bounds what the kernel keeps of each client connection until it is read.
 *
 * The native server reads up to 512 KiB at once, and within one turn of the event loop reads on for
 * as long as its reads come back full, whatever it is told meanwhile. A client that outruns the
 * copying of its bytes is then read on and on, into memory. A receive buffer that holds less than
 * such a read ends that: no read is ever full.
 *
 * The price: a client's upload is limited to about one buffer per round trip, 12 MiB/s at 20 ms,
 * because the kernel no longer grows the buffer of a connection by itself.
 *
 * Accepted sockets inherit the size from the listening one, which Node gives no access to, so it is
 * set with the C library's `setsockopt`. Only for Linux, whose constants these are.
 */
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'

/** Why the kernel's own sizes stay. */
export type BufferUnbounded = 'platform' | 'package_missing' | 'socket_not_found'

type Pointer = Uint8Array

interface SocketCalls {
  getsockname(fileDescriptor: number, address: Pointer, length: Pointer): number
  getsockopt(fd: number, level: number, option: number, value: Pointer, length: Pointer): number
  setsockopt(fd: number, level: number, option: number, value: Pointer, length: number): number
}

/** What is used of the vendor's module. */
interface ForeignFunctions {
  load(library: null): { func(prototype: string): unknown }
}

const DESCRIPTORS = '/proc/self/fd'
const SOL_SOCKET = 1
const SO_RCVBUF = 8
const SO_ACCEPTCONN = 30
const INT_BYTES = 4
/** `sockaddr_in6`; `sockaddr_in` is shorter and has the port at the same place. */
const ADDRESS_BYTES = 28
const PORT_OFFSET = 2

/**
 * Bounds the receive buffers of all connections that this process will accept on a port. Those
 * already accepted keep theirs.
 *
 * @param bytes At most `net.core.rmem_max`, the kernel sees to that. It doubles the number for its
 *   bookkeeping, so about so many bytes of a body fit.
 * @returns `null`, or why nothing was done.
 */
export function boundReceiveBuffers(port: number, bytes: number): BufferUnbounded | null {
  if (process.platform !== 'linux') return 'platform'
  const calls = loadSocketCalls()
  if (calls === null) return 'package_missing'
  const value = intBytes(bytes)
  let found = 0
  for (const name of readdirSync(DESCRIPTORS)) {
    const descriptor = Number(name)
    if (!isListeningOn(calls, descriptor, port)) continue
    if (calls.setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, value, INT_BYTES) === 0) found += 1
  }
  return found > 0 ? null : 'socket_not_found'
}

/** Any descriptor may be asked: one that is no socket, or closed by now, only gives an error. */
function isListeningOn(calls: SocketCalls, descriptor: number, port: number): boolean {
  const answer = new Uint8Array(INT_BYTES)
  const answerLength = intBytes(INT_BYTES)
  const failed = calls.getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, answer, answerLength) !== 0
  if (failed || answer.every((byte) => byte === 0)) return false
  const address = new Uint8Array(ADDRESS_BYTES)
  if (calls.getsockname(descriptor, address, intBytes(ADDRESS_BYTES)) !== 0) return false
  return new DataView(address.buffer).getUint16(PORT_OFFSET) === port
}

function intBytes(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer)
}

/** An optional package: `null` where it is not installed, or has no binary for this machine. */
function loadSocketCalls(): SocketCalls | null {
  try {
    const vendor = createRequire(import.meta.url)('koffi') as ForeignFunctions
    const library = vendor.load(null)
    return {
      getsockname: library.func('int getsockname(int, void *, void *)'),
      getsockopt: library.func('int getsockopt(int, int, int, void *, void *)'),
      setsockopt: library.func('int setsockopt(int, int, int, const void *, uint32_t)'),
    } as SocketCalls
  } catch {
    return null
  }
}
