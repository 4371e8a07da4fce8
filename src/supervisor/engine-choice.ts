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

/** What serves each port. */
export interface ChosenEngines {
  readonly main: ServerEngine
  /** `null`: the decision endpoint has no port of its own. */
  readonly decision: ServerEngine | null
}

/** @throws StartError when there is none that works here. */
export function chooseEngines(configuration: GatewayConfiguration): ChosenEngines {
  const { server, decision } = configuration
  const main = chooseEngine('server', server.engine, configuration)
  if (decision === null || decision.port === null) return { main, decision: null }
  const isSame = decision.engine === null || decision.engine === server.engine
  return {
    main,
    decision: isSame ? main : chooseEngine('decision', decision.engine, configuration),
  }
}

function chooseEngine(
  setting: 'server' | 'decision',
  name: 'native' | 'node',
  configuration: GatewayConfiguration,
): ServerEngine {
  return name === 'node' ? nodeEngine(setting) : nativeEngine(configuration)
}

/** The configuration as these engines can serve it: with one listener thread where need be. */
export function fitted(
  { main, decision }: ChosenEngines,
  configuration: GatewayConfiguration,
): GatewayConfiguration {
  if (isShared(main) && (decision === null || isShared(decision))) return configuration
  return { ...configuration, tuning: { ...configuration.tuning, listenerThreads: 1 } }
}

/** {@link fitted}, of each that is loaded. */
export function fittedLoads(
  engines: ChosenEngines,
  load: (() => LoadedConfig) | null,
): (() => LoadedConfig) | null {
  if (load === null) return null
  return () => {
    const loaded = load()
    return { ...loaded, configuration: fitted(engines, loaded.configuration) }
  }
}

function isShared(engine: ServerEngine): boolean {
  return engine.kind === 'native' || engine.isShared
}

function nodeEngine(setting: 'server' | 'decision'): ServerEngine {
  const parser = process.versions['llhttp'] ?? 'unknown'
  if (!(Number.parseInt(parser, 10) >= LLHTTP_MAJOR_MIN)) {
    throw new StartError(
      `${setting}.engine: node needs a Node.js with llhttp ${LLHTTP_MAJOR_MIN} or later, such as ` +
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
