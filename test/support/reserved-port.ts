/**
 * TCP ports for servers that cannot take any free one: those that are told their port before they
 * start, that several threads or processes name, or that must come back on the port they had.
 *
 * A port that was found free and let go again may be gone before it is used: other tests take one
 * for every server, and the system takes one for every outgoing connection. So these ports are
 * never any that the system hands out by itself, and a port is reserved by holding the UDP port of
 * the same number, which nothing else here uses. The reservation ends with this process, however
 * that ends.
 */
import { createSocket, type Socket } from 'node:dgram'
import { createServer } from 'node:net'

const HOST = '127.0.0.1'
/** Linux hands out ports from 32768 on, other systems from 49152 on. */
const PORT_MIN = 10_000
const PORT_MAX = 31_999
const ATTEMPTS_MAX = 1_000

const reservations = new Set<Socket>()

/** A port of 127.0.0.1 that is not given out again as long as this process runs. */
export function reservePort(): Promise<number> {
  return reservePortWith([])
}

/** The same for a port and others at fixed distances from it, each at most 10000. */
export async function reservePortWith(distances: readonly number[]): Promise<number> {
  const span = PORT_MAX - Math.max(0, ...distances) - PORT_MIN + 1
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const port = PORT_MIN + Math.floor(Math.random() * span)
    if (await reserveAll([0, ...distances].map((distance) => port + distance))) return port
  }
  throw new Error(`no free port from ${PORT_MIN} to ${PORT_MAX} in ${ATTEMPTS_MAX} attempts`)
}

/** All or none. */
async function reserveAll(ports: readonly number[]): Promise<boolean> {
  const held: Socket[] = []
  for (const port of ports) {
    const reservation = await holdDatagramPort(port)
    if (reservation !== null) held.push(reservation)
    if (reservation === null || !(await isFree(port))) {
      for (const socket of held) socket.close()
      return false
    }
  }
  for (const socket of held) reservations.add(socket)
  return true
}

/** @returns `null` when somebody else has it. */
function holdDatagramPort(port: number): Promise<Socket | null> {
  const socket = createSocket('udp4')
  socket.unref()
  return new Promise((resolve) => {
    socket.once('error', () => {
      socket.close()
      resolve(null)
    })
    socket.bind({ port, address: HOST, exclusive: true }, () => resolve(socket))
  })
}

/** Whether no program that knows nothing of reservations listens there. */
function isFree(port: number): Promise<boolean> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: HOST, exclusive: true }, () => probe.close(() => resolve(true)))
  })
}
