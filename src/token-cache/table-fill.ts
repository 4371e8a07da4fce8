/** How full a table is, for the metrics. Reads only; a table that changes meanwhile is no harm. */
import {
  DEAD_AT_WORD,
  mapTable,
  setWordAt,
  slotWordAt,
  TAG_CONTINUATION,
  TAG_EMPTY,
  type TableMemory,
  tagsHalfOf,
  WAYS_PER_SET,
} from './layout.ts'

export interface TableFill {
  /** That have not ended. */
  readonly entries: number
  /** Slots with an entry, or a part of one; those that have ended included. */
  readonly slotsUsed: number
  readonly slots: number
  readonly sizeBytes: number
}

/** All sets of a table of 16 MiB. Digests spread evenly, so a part tells of the whole. */
const SETS_READ_MAX = 2_048

/**
 * Counts in at most 2048 sets that lie evenly apart, and scales up: to within some 1 %, in a few
 * milliseconds.
 */
export function readTableFill(
  buffer: SharedArrayBuffer,
  slotBytes: number,
  nowSeconds: number,
): TableFill {
  const memory = mapTable(buffer, slotBytes)
  const { setCount } = memory
  const setsRead = Math.min(setCount, SETS_READ_MAX)
  let entries = 0
  let slotsUsed = 0
  for (let index = 0; index < setsRead; index += 1) {
    const setWord = setWordAt(memory, Math.floor((index * setCount) / setsRead))
    entries += liveEntriesOf(memory, setWord, nowSeconds)
    slotsUsed += slotsUsedOf(memory, setWord)
  }
  const scale = setCount / setsRead
  return {
    entries: Math.round(entries * scale),
    slotsUsed: Math.round(slotsUsed * scale),
    slots: setCount * WAYS_PER_SET,
    sizeBytes: buffer.byteLength,
  }
}

function liveEntriesOf(memory: TableMemory, setWord: number, nowSeconds: number): number {
  const tags = tagsHalfOf(setWord)
  let count = 0
  for (let way = 0; way < WAYS_PER_SET; way += 1) {
    const tag = memory.halves[tags + way]
    if (tag === TAG_EMPTY || tag === TAG_CONTINUATION) continue
    const deadAtSeconds = memory.words[slotWordAt(memory, setWord, way) + DEAD_AT_WORD] as number
    if (deadAtSeconds >>> 0 > nowSeconds) count += 1
  }
  return count
}

function slotsUsedOf(memory: TableMemory, setWord: number): number {
  const tags = tagsHalfOf(setWord)
  let count = 0
  for (let way = 0; way < WAYS_PER_SET; way += 1) {
    if (memory.halves[tags + way] !== TAG_EMPTY) count += 1
  }
  return count
}
