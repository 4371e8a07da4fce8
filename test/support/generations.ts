/** The real table of key generations with its allocator, as the supervisor holds them. */
import type { KeySet } from '../../src/keys/key-set.ts'
import {
  createKeyGenerationsBuffer,
  KeyGenerationAllocator,
  KeyGenerations,
} from '../../src/shared-memory/key-generations.ts'

export interface Generations {
  readonly allocator: KeyGenerationAllocator
  readonly table: KeyGenerations
}

/** @param keysMax Keys that there is room for. */
export function createGenerations(keysMax = 1_000): Generations {
  const buffer = createKeyGenerationsBuffer(keysMax)
  return { allocator: new KeyGenerationAllocator(buffer), table: new KeyGenerations(buffer) }
}

/** Whether each key of the set is alive, in its order. */
export function aliveKeys(keySet: KeySet, table: KeyGenerations): readonly boolean[] {
  return keySet.keys.map((key) => table.isAlive(key.generationSlot, key.generation))
}
