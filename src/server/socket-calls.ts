/**
 * What the C library can do with the sockets of this process and Node cannot: set options of those
 * that listen, give them a second descriptor, ask what a client has acknowledged. The only door to
 * koffi, an optional package.
 *
 * Options only for Linux, whose constants these are; descriptors wherever there is a C library.
 */
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'

type Pointer = Uint8Array

interface SocketCalls {
  getsockname(fileDescriptor: number, address: Pointer, length: Pointer): number
  getsockopt(fd: number, level: number, option: number, value: Pointer, length: Pointer): number
  setsockopt(fd: number, level: number, option: number, value: Pointer, length: number): number
  dup(fileDescriptor: number): number
  close(fileDescriptor: number): number
  readonly addressOf: (memory: Uint8Array) => bigint
}

/** What is used of the vendor's module. */
interface ForeignFunctions {
  load(library: null): { func(prototype: string): unknown }
  address(memory: Uint8Array): bigint
}

/** Why nothing was done. */
export type SocketOptionProblem = 'platform' | 'package_missing' | 'socket_not_found'

/** Where a process listens. */
export interface ListenPlace {
  readonly port: number
  /** Of the one socket that all threads share; `null`: each has one of its own. */
  readonly descriptor: number | null
}

interface SocketOption {
  /** Of level `SOL_SOCKET`. */
  readonly option: number
  /** @param addressOf Where memory that the value refers to is; that memory must be kept. */
  readonly value: (addressOf: (memory: Uint8Array) => bigint) => Uint8Array
}

const DESCRIPTORS = '/proc/self/fd'
const SOL_SOCKET = 1
const SO_REUSEPORT = 15
const SO_ACCEPTCONN = 30
const IPPROTO_TCP = 6
const TCP_INFO = 11
/** `struct tcp_info` up to `tcpi_bytes_acked`, which older kernels than 4.2 do not have. */
const TCP_INFO_BYTES = 128
/** Where that is, in words of 8 bytes. */
const ACKNOWLEDGED_PLACE = 15
const INT_BYTES = 4
/** `sockaddr_in6`; `sockaddr_in` is shorter and has the port at the same place. */
const ADDRESS_BYTES = 28
const PORT_OFFSET = 2

/**
 * Sets an option of the listen socket of a place, or of all that share its port.
 *
 * @returns `null`, or why nothing was done.
 */
export function setListenSocketOption(
  place: ListenPlace,
  { option, value }: SocketOption,
): SocketOptionProblem | null {
  if (process.platform !== 'linux') return 'platform'
  const calls = socketCalls()
  if (calls === null) return 'package_missing'
  const bytes = value(calls.addressOf)
  let found = 0
  for (const descriptor of listenSocketsOf(calls, place)) {
    if (calls.setsockopt(descriptor, SOL_SOCKET, option, bytes, bytes.length) === 0) found += 1
  }
  return found > 0 ? null : 'socket_not_found'
}

/** Whether {@link duplicateDescriptor} can work here. */
export function hasSocketCalls(): boolean {
  return socketCalls() !== null
}

/** @returns Another descriptor of the same socket, for the caller to close; `null`: none. */
export function duplicateDescriptor(descriptor: number): number | null {
  const duplicate = socketCalls()?.dup(descriptor) ?? -1
  return duplicate < 0 ? null : duplicate
}

/** Only for what {@link duplicateDescriptor} made, once, and if nothing else closes it. */
export function closeDescriptor(descriptor: number): void {
  socketCalls()?.close(descriptor)
}

/**
 * How much the other end of a TCP connection has taken of what was sent.
 *
 * @returns Bytes since it was opened; `null` where the system does not tell.
 */
export function acknowledgedBytes(descriptor: number): number | null {
  const calls = process.platform === 'linux' ? socketCalls() : null
  if (calls === null) return null
  const info = new Uint8Array(TCP_INFO_BYTES)
  const length = intBytes(TCP_INFO_BYTES)
  if (calls.getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, info, length) !== 0) return null
  if (new Int32Array(length.buffer)[0] !== TCP_INFO_BYTES) return null
  return Number(new BigUint64Array(info.buffer)[ACKNOWLEDGED_PLACE])
}

/** A number as the kernel reads it. */
export function intBytes(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer)
}

function listenSocketsOf(calls: SocketCalls, { port, descriptor }: ListenPlace): number[] {
  if (descriptor !== null) return [descriptor]
  return readdirSync(DESCRIPTORS)
    .map(Number)
    .filter((it) => isListeningOn(calls, it, port))
}

/**
 * Any descriptor may be asked: one that is no socket, or closed by now, only gives an error. Node's
 * own servers, such as the admin listener on the same port of another address, share no port.
 */
function isListeningOn(calls: SocketCalls, descriptor: number, port: number): boolean {
  if (!isSet(calls, descriptor, SO_ACCEPTCONN) || !isSet(calls, descriptor, SO_REUSEPORT)) {
    return false
  }
  const address = new Uint8Array(ADDRESS_BYTES)
  if (calls.getsockname(descriptor, address, intBytes(ADDRESS_BYTES)) !== 0) return false
  return new DataView(address.buffer).getUint16(PORT_OFFSET) === port
}

function isSet(calls: SocketCalls, descriptor: number, option: number): boolean {
  const answer = new Uint8Array(INT_BYTES)
  const length = intBytes(INT_BYTES)
  if (calls.getsockopt(descriptor, SOL_SOCKET, option, answer, length) !== 0) return false
  return answer.some((byte) => byte !== 0)
}

let loaded: { readonly calls: SocketCalls | null } | null = null

function socketCalls(): SocketCalls | null {
  loaded ??= { calls: loadSocketCalls() }
  return loaded.calls
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
      dup: library.func('int dup(int)'),
      close: library.func('int close(int)'),
      addressOf: (memory: Uint8Array) => vendor.address(memory),
    } as SocketCalls
  } catch {
    return null
  }
}
