/** The beginning and the end of a small node:http server of the supervisor. */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ListenAddress {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

/**
 * @param onFailure Told of errors from then on: they concern one connection at most, and none may
 *   end the process.
 * @returns The port that is listened on.
 * @throws (rejects) When the address is taken or may not be used.
 */
export function listenAt(
  server: Server,
  { host, port }: ListenAddress,
  onFailure: (error: unknown) => void,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      server.on('error', onFailure)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

/** Stops listening and cuts what is open: nothing here is worth waiting for. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
