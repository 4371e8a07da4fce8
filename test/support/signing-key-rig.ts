/** Signing keys under a clock that a test moves, with a record of what they told. */
import assert from 'node:assert/strict'
import type { KeyDerivation } from '../../src/identity/derived-keys.ts'
import { keyOverlap } from '../../src/identity/key-overlap.ts'
import {
  openSigningKeys,
  type SigningKeyEvent,
  type SigningKeySource,
  type SigningKeys,
  type SigningKeysOptions,
  type SigningSnapshot,
} from '../../src/identity/signing-keys.ts'
import { ManualClock } from './manual-clock.ts'

export const DAY_MS = 86_400_000
export const OVERLAP = keyOverlap({
  keyRotationMs: DAY_MS,
  tokenTtlSeconds: 300,
  upstreamToleranceSeconds: 30,
  upstreamCacheMs: 600_000,
})
export const secretSource = (secret: Uint8Array, published: readonly KeyDerivation[] = []) =>
  ({ kind: 'secret', secret, published }) as const
export const SECRET = secretSource(Buffer.alloc(32, 7))
export const GENERATED: SigningKeySource = { kind: 'generated' }

interface Rig {
  readonly keys: SigningKeys
  readonly clock: ManualClock
  readonly snapshots: SigningSnapshot[]
  readonly events: SigningKeyEvent[]
  /** Moves the clock and has the keys follow. */
  readonly pass: (durationMs: number) => Promise<void>
}

function optionsFor(source: SigningKeySource): SigningKeysOptions {
  return { algorithm: 'ES256', keyRotationMs: DAY_MS, overlap: OVERLAP, source }
}

export async function open(source: SigningKeySource, clock = new ManualClock()): Promise<Rig> {
  const snapshots: SigningSnapshot[] = []
  const events: SigningKeyEvent[] = []
  const opened = await openSigningKeys(optionsFor(source), {
    clock,
    onSnapshot: (snapshot) => snapshots.push(snapshot),
    onEvent: (event) => events.push(event),
  })
  assert.ok(opened.ok, JSON.stringify(opened))
  const keys = opened.signingKeys
  const pass = async (durationMs: number) => {
    clock.advanceMs(durationMs)
    await keys.tick()
  }
  return { keys, clock, snapshots, events, pass }
}

export async function refusal(source: SigningKeySource): Promise<string> {
  const parts = { clock: new ManualClock(), onSnapshot: () => {}, onEvent: () => {} }
  const opened = await openSigningKeys(optionsFor(source), parts)
  return opened.ok ? 'opened' : opened.reason
}

export const names = (keys: SigningKeys) => keys.snapshot().published.map(({ kid }) => kid)
export const signer = (keys: SigningKeys) => keys.snapshot().signing.keyId
