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
 * Accepted sockets inherit the size from the listening one, so it is set there. Only for Linux,
 * whose constants these are.
 */
import { intBytes, type SocketOptionProblem, setListenSocketOption } from './socket-calls.ts'

const SO_RCVBUF = 8

/**
 * Bounds the receive buffers of all connections that this process will accept on a port. Those
 * already accepted keep theirs.
 *
 * @param bytes At most `net.core.rmem_max`, the kernel sees to that. It doubles the number for its
 *   bookkeeping, so about so many bytes of a body fit.
 * @returns `null`, or why nothing was done.
 */
export function boundReceiveBuffers(port: number, bytes: number): SocketOptionProblem | null {
  const place = { port, descriptor: null }
  return setListenSocketOption(place, { option: SO_RCVBUF, value: () => intBytes(bytes) })
}
