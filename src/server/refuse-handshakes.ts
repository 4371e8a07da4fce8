/**
 * Ends new connections to listen sockets that are about to be closed, and only new ones.
 *
 * The kernel resets what sits in the accept queue of a listen socket that is closed. A packet
 * filter on the socket drops each segment that begins a handshake. Handshakes that have begun go on
 * to the accept queue, which is soon empty then. To a client it looks like a lost packet: it sends
 * another one a second later, when the socket is closed, and is refused.
 */
import { type ListenPlace, setListenSocketOption } from './socket-calls.ts'

const SO_ATTACH_FILTER = 26

/** Instructions of classic BPF, each of which tells operation, two jumps and an operand. */
const LOAD_BYTE = 0x30
const AND = 0x54
const JUMP_IF_EQUAL = 0x15
const RETURN = 0x06

/** Of a TCP header (RFC 9293 §3.1). */
const FLAGS_OFFSET = 13
const SYN = 0x02
const SYN_AND_ACK = 0x12

const DROP = 0
const KEEP = 0xffff_ffff

const PROGRAM = [
  [LOAD_BYTE, 0, 0, FLAGS_OFFSET],
  [AND, 0, 0, SYN_AND_ACK],
  [JUMP_IF_EQUAL, 0, 1, SYN],
  [RETURN, 0, 0, DROP],
  [RETURN, 0, 0, KEEP],
] as const

/** `struct sock_filter`. */
const INSTRUCTION_BYTES = 8
/** `struct sock_fprog`: a length and, aligned, the address of the program. */
const FILTER_BYTES = 16
const FILTER_PROGRAM_OFFSET = 8

/**
 * From now on the kernel begins no connection to this port of this process. The sockets must be
 * closed soon: the filter cannot be taken off by anything but that.
 *
 * @returns Whether it could be done (server/socket-calls.ts).
 */
export function refuseHandshakes(place: ListenPlace): boolean {
  const program = programBytes()
  const option = SO_ATTACH_FILTER
  const value = (addressOf: (memory: Uint8Array) => bigint) => filterBytes(addressOf(program))
  return setListenSocketOption(place, { option, value }) === null
}

function programBytes(): Uint8Array {
  const bytes = Buffer.alloc(PROGRAM.length * INSTRUCTION_BYTES)
  for (const [index, [operation, ifTrue, ifFalse, operand]] of PROGRAM.entries()) {
    const start = index * INSTRUCTION_BYTES
    bytes.writeUInt16LE(operation, start)
    bytes.writeUInt8(ifTrue, start + 2)
    bytes.writeUInt8(ifFalse, start + 3)
    bytes.writeUInt32LE(operand, start + 4)
  }
  return bytes
}

function filterBytes(programAddress: bigint): Uint8Array {
  const bytes = Buffer.alloc(FILTER_BYTES)
  bytes.writeUInt16LE(PROGRAM.length, 0)
  bytes.writeBigUInt64LE(programAddress, FILTER_PROGRAM_OFFSET)
  return bytes
}
