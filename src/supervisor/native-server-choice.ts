/** Which native server this process runs, with room for the heads that the configuration allows. */
import type { GatewayConfiguration } from '../config/sections.ts'
import {
  chooseNativeBinary,
  type NativeBinary,
  NativeBinaryError,
} from '../server/native-binary.ts'
import { StartError } from '../threads/start-error.ts'

/** Head of a request: target, header section, and the request line and separators around them. */
const HEAD_MARGIN_BYTES = 1_024

/** @throws StartError when there is none that works here. */
export function nativeBinaryFor({ server, tuning }: GatewayConfiguration): NativeBinary {
  try {
    return chooseNativeBinary({
      allowUnknown: tuning.allowUnknownNativeServer,
      headBytesMax: server.limits.headerBytes + server.limits.urlBytes + HEAD_MARGIN_BYTES,
    })
  } catch (error) {
    if (error instanceof NativeBinaryError) throw new StartError(error.message)
    throw error
  }
}
