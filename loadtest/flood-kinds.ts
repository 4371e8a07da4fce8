/** What a flood of bad tokens is made of: the job of its client process. */

export interface FloodJob {
  readonly port: number
  /** A good token, of which the bad ones are made. */
  readonly token: string
  readonly kind: FloodKind
  readonly connections: number
  readonly durationSeconds: number
}

/** What is wrong with the tokens: the signature, the key that they name, or everything. */
export const FLOOD_KINDS = ['signature', 'key', 'rubbish'] as const

export type FloodKind = (typeof FLOOD_KINDS)[number]
