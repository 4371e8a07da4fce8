/**
 * Which HTTP engine this process runs, and what it needs: the native server with room for the heads
 * that the configuration allows, or node:http with a parser that is strict enough.
 */
import type { LoadedConfig } from '../config/load-config.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import { chooseNativeBinary, NativeBinaryError } from '../server/native-binary.ts'
import { canDuplicate } from '../server/node/shared-listen-socket.ts'
import type { ServerEngine } from '../server/server-engine.ts'
import { StartError } from '../threads/start-error.ts'

/** Head of a request: target, header section, and the request line and separators around them. */
const HEAD_MARGIN_BYTES = 1_024
/**
 * Before it, the parser takes folded lines and bare line feeds, which others read otherwise, and
 * does not show them.
 */
const LLHTTP_MAJOR_MIN = 9

/** @throws StartError when there is none that works here. */
export function chooseEngine(configuration: GatewayConfiguration): ServerEngine {
  return configuration.server.engine === 'node' ? nodeEngine() : nativeEngine(configuration)
}

/** The configuration as this engine can serve it: with one listener thread, if there can be one. */
export function fitted(
  engine: ServerEngine,
  configuration: GatewayConfiguration,
): GatewayConfiguration {
  if (engine.kind === 'native' || engine.isShared) return configuration
  return { ...configuration, tuning: { ...configuration.tuning, listenerThreads: 1 } }
}

/** {@link fitted}, of each that is loaded. */
export function fittedLoads(
  engine: ServerEngine,
  load: (() => LoadedConfig) | null,
): (() => LoadedConfig) | null {
  if (load === null) return null
  return () => {
    const loaded = load()
    return { ...loaded, configuration: fitted(engine, loaded.configuration) }
  }
}

function nodeEngine(): ServerEngine {
  const parser = process.versions['llhttp'] ?? 'unknown'
  if (!(Number.parseInt(parser, 10) >= LLHTTP_MAJOR_MIN)) {
    throw new StartError(
      `server.engine: node needs a Node.js with llhttp ${LLHTTP_MAJOR_MIN} or later, such as ` +
        `20.19.2, 22 or 24; this one has ${parser}`,
    )
  }
  return { kind: 'node', parser, isShared: canDuplicate() }
}

function nativeEngine({ server, tuning }: GatewayConfiguration): ServerEngine {
  try {
    const binary = chooseNativeBinary({
      allowUnknown: tuning.allowUnknownNativeServer,
      headBytesMax: server.limits.headerBytes + server.limits.urlBytes + HEAD_MARGIN_BYTES,
    })
    return { kind: 'native', binary }
  } catch (error) {
    if (error instanceof NativeBinaryError) throw new StartError(error.message)
    throw error
  }
}
