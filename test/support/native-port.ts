/** Applications of the native server that tests build by themselves listen here. */
import assert from 'node:assert/strict'
import type {
  loadNativeBinary,
  NativeApp,
  NativeListenSocket,
} from '../../src/server/native-binary.ts'

/** @returns The port, which was free. */
export async function listenNatively(
  native: ReturnType<typeof loadNativeBinary>,
  app: NativeApp,
): Promise<number> {
  const socket = await new Promise<NativeListenSocket | false>((resolve) => {
    app.listen('127.0.0.1', 0, native.LIBUS_LISTEN_EXCLUSIVE_PORT, resolve)
  })
  assert.ok(socket !== false)
  return native.us_socket_local_port(socket)
}
