/** Servers of tests take a port that is free, and say which one. */
import type { AddressInfo, Server } from 'node:net'

/** Settles when it listens. @returns Its port. */
export async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  return portOf(server)
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}
