/** What serves clients in this process. Plain data, so that it can be handed to a thread. */
import type { NativeBinary } from './native-binary.ts'

export type ServerEngine =
  | { readonly kind: 'native'; readonly binary: NativeBinary }
  | {
      readonly kind: 'node'
      /** Version of llhttp, the parser of node:http. */
      readonly parser: string
      /** Whether several threads can listen on one port here. */
      readonly isShared: boolean
    }

/** For a label. */
export function engineLabel(engine: ServerEngine): string {
  if (engine.kind === 'node') return `node:http, llhttp ${engine.parser}`
  const { version, kind } = engine.binary
  return `${version ?? 'unknown'} ${kind}`
}
