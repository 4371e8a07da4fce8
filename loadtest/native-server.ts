/** The native server for the load tests' own programs: the very binary that the gateway runs. */
import {
  chooseNativeBinary,
  loadNativeBinary,
  type NativeServerModule,
} from '../src/server/native-binary.ts'

const HEAD_BYTES_MAX = 16_384

export function nativeServer(): NativeServerModule {
  return loadNativeBinary(chooseNativeBinary({ allowUnknown: false, headBytesMax: HEAD_BYTES_MAX }))
}
