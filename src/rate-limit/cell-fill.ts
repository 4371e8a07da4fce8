/** How full the cells are, for the metrics. Reads only; cells that change meanwhile are no harm. */
import {
  type CellMemory,
  FAILING,
  kindOf,
  LIMIT,
  LOCKED,
  STATE_OFFSET,
  setAt,
  ticksOf,
  WAYS_PER_SET,
} from './layout.ts'

export interface CellFill {
  /** That count something now, locked ones included. */
  readonly used: number
  readonly locked: number
  readonly capacity: number
}

/** Of 262 144 cells all are read, which takes a millisecond or two. */
const SETS_READ_MAX = 32_768

/** Counts in at most 32 768 sets that lie evenly apart, and scales up. */
export function readCellFill(memory: CellMemory, nowTicks: number): CellFill {
  const { halves, setCount } = memory
  const setsRead = Math.min(setCount, SETS_READ_MAX)
  let used = 0
  let locked = 0
  for (let index = 0; index < setsRead; index += 1) {
    const first = setAt(Math.floor((index * setCount) / setsRead)) + STATE_OFFSET
    for (let cell = first; cell < first + WAYS_PER_SET; cell += 1) {
      const high = halves[2 * cell + 1] as number
      const kind = kindOf(high)
      if (kind !== LIMIT && kind !== FAILING && kind !== LOCKED) continue
      if (ticksOf(halves[2 * cell] as number, high) <= nowTicks) continue
      used += 1
      if (kind === LOCKED) locked += 1
    }
  }
  const scale = setCount / setsRead
  return {
    used: Math.round(used * scale),
    locked: Math.round(locked * scale),
    capacity: setCount * WAYS_PER_SET,
  }
}
