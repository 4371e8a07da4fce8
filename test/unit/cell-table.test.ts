import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ABANDONED_TICKS, CellTable, LOCKS_KEPT, NOWHERE } from '../../src/rate-limit/cell-table.ts'
import {
  type CellMemory,
  CLAIMED,
  FREE,
  GENERATION_MASK,
  kindOf,
  LIMIT,
  LOCKED,
  mapCells,
  STATE_OFFSET,
  setAt,
  stateHigh,
  TICKS_PER_MICRO,
  WAYS_PER_SET,
} from '../../src/rate-limit/layout.ts'
import {
  type CellGroup,
  createLimitCellsBuffer,
  LimitCells,
} from '../../src/rate-limit/limit-cells.ts'

const SECOND = 1_000_000
const MINUTE = 60 * SECOND
const NOW = 123 * SECOND
const NOW_TICKS = NOW * TICKS_PER_MICRO
const LOCK_AT_ONCE = { threshold: 1, windowMicros: MINUTE, lockoutMicros: MINUTE }

function openSet() {
  const buffer = createLimitCellsBuffer(WAYS_PER_SET)
  const cells = new LimitCells(buffer)
  return { buffer, memory: mapCells(buffer), cells, group: cells.group('login') }
}

/** Locks all cells of a set, each key a second longer than the one before. */
function lockAll(cells: LimitCells, group: CellGroup): void {
  for (let index = 0; index < WAYS_PER_SET; index += 1) {
    cells.lock(group, `locked ${index}`, NOW + MINUTE + index * SECOND, NOW)
  }
}

/** Which of them are locked still. */
function stillLocked(cells: LimitCells, group: CellGroup): readonly number[] {
  return Array.from({ length: WAYS_PER_SET }, (_, index) => index).filter(
    (index) => cells.lockedMicros(group, `locked ${index}`, NOW) > 0,
  )
}

function lockByFailures(
  cells: LimitCells,
  group: CellGroup,
  key: string,
  threshold: number,
  nowMicros: number,
): void {
  const rule = { ...LOCK_AT_ONCE, threshold }
  for (let failure = 1; failure < threshold; failure += 1) {
    assert.equal(cells.fail(group, key, rule, nowMicros), 0)
  }
  assert.equal(cells.fail(group, key, rule, nowMicros), MINUTE)
}

/** A rate at which one request makes a key busy for so many seconds. */
function busyFor(seconds: number) {
  return { emissionMicros: seconds * SECOND, burst: 1 }
}

/** Index of every state of a buffer. */
function statesOf({ setCount }: CellMemory): readonly number[] {
  return Array.from({ length: setCount }, (_, set) => setAt(set) + STATE_OFFSET).flatMap((first) =>
    Array.from({ length: WAYS_PER_SET }, (_, way) => first + way),
  )
}

function kindsOf(memory: CellMemory): readonly number[] {
  return statesOf(memory).map((state) => kindOf(memory.halves[2 * state + 1] ?? 0))
}

describe('cells that are all taken', () => {
  it('lose the key that is idle, and keep what the others count', () => {
    const { cells, group } = openSet()
    const keys = Array.from({ length: WAYS_PER_SET }, (_, index) => `key ${index}`)
    for (const [index, key] of keys.entries()) {
      cells.take(group, key, busyFor(index === 5 ? 1 : 60), NOW)
    }
    const later = NOW + SECOND
    assert.equal(cells.take(group, 'new', busyFor(60), later), 0)
    assert.equal(cells.counters.evicted, 0)
    for (const [index, key] of keys.entries()) {
      const answer = cells.peek(group, key, busyFor(60), later)
      assert.equal(answer, index === 5 ? 0 : -59 * SECOND)
    }
  })

  it('lose failures whose window is over before all that count', () => {
    const { cells, group } = openSet()
    const rule = { threshold: 2, windowMicros: SECOND, lockoutMicros: MINUTE }
    cells.fail(group, 'forgotten', rule, NOW)
    for (let index = 1; index < WAYS_PER_SET; index += 1) {
      cells.fail(group, `key ${index}`, { ...rule, windowMicros: MINUTE }, NOW)
    }
    cells.fail(group, 'new', rule, NOW + 2 * SECOND)
    assert.equal(cells.counters.evicted, 0)
    for (let index = 1; index < WAYS_PER_SET; index += 1) {
      assert.equal(cells.fail(group, `key ${index}`, rule, NOW + 2 * SECOND), MINUTE)
    }
  })

  it('lose the key that is idle soonest when none is, and count that', () => {
    const { cells, group } = openSet()
    for (let index = 0; index < WAYS_PER_SET; index += 1) {
      cells.take(group, `key ${index}`, busyFor(60 - index), NOW)
    }
    assert.equal(cells.take(group, 'new', busyFor(90), NOW), 0)
    assert.equal(cells.counters.evicted, 1)
    assert.equal(cells.peek(group, 'key 7', busyFor(60), NOW), 0)
    for (let index = 0; index < 7; index += 1) {
      assert.ok(cells.peek(group, `key ${index}`, busyFor(60), NOW) < 0)
    }
  })

  it('lose no locked key in a flood of a million others', () => {
    // So many that no set has more than five of the locks, but for one run in a million.
    const cells = new LimitCells(createLimitCellsBuffer(8_192))
    const group = cells.group('login')
    const locked = Array.from({ length: 100 }, (_, index) => `locked ${index}`)
    for (const key of locked) assert.equal(cells.fail(group, key, LOCK_AT_ONCE, NOW), MINUTE)
    const rule = { threshold: 5, windowMicros: 15 * MINUTE, lockoutMicros: MINUTE }
    for (let index = 0; index < 500_000; index += 1) {
      cells.fail(group, `flood ${index}`, rule, NOW + index)
      cells.take(group, `flood ${index}`, busyFor(3_600), NOW + index)
    }
    assert.ok(cells.counters.evicted > 990_000)
    assert.equal(cells.counters.untracked, 0)
    const later = NOW + 500_000
    for (const key of locked) {
      assert.equal(cells.lockedMicros(group, key, later), MINUTE - 500_000)
    }
    const fill = { used: 8_192, locked: 100, capacity: 8_192 }
    assert.deepEqual(cells.fill(later), fill)
  })

  it('and all locked, give a limit the cell whose lock ends first, and count exactly there', () => {
    const { cells, group } = openSet()
    lockAll(cells, group)
    const rate = { emissionMicros: MINUTE, burst: 3 }
    const answers = [0, 1, 2, 3, 4].map(() => cells.take(group, '', rate, NOW))
    assert.deepEqual(answers, [2, 1, 0, -MINUTE, -MINUTE])
    assert.deepEqual(stillLocked(cells, group), [1, 2, 3, 4, 5, 6, 7])
    assert.deepEqual({ ...cells.counters }, { evicted: 1, untracked: 0 })
  })

  it('keep the five locks that end last in any flood of limits', () => {
    const { cells, group } = openSet()
    lockAll(cells, group)
    for (let index = 0; index < 10_000; index += 1) {
      assert.equal(cells.take(group, `flood ${index}`, busyFor(3_600 + index), NOW), 0)
    }
    assert.deepEqual(stillLocked(cells, group), [3, 4, 5, 6, 7])
    assert.deepEqual({ ...cells.counters }, { evicted: 10_000, untracked: 0 })
  })

  it('keep the five locks that end last in any flood of locks that end sooner', () => {
    const { cells, group } = openSet()
    lockAll(cells, group)
    const brief = { threshold: 2, windowMicros: SECOND, lockoutMicros: SECOND }
    for (let index = 0; index < 1_000; index += 1) {
      assert.equal(cells.fail(group, `brief ${index}`, brief, NOW), 0)
      assert.equal(cells.fail(group, `brief ${index}`, brief, NOW), SECOND)
    }
    assert.deepEqual(stillLocked(cells, group).slice(-5), [3, 4, 5, 6, 7])
    assert.equal(cells.counters.untracked, 0)
  })

  for (const threshold of [1, 2]) {
    it(`leave a limit exact in a flood of 400 000 locks, by failure ${threshold}`, () => {
      const cells = new LimitCells(createLimitCellsBuffer(1_024))
      const group = cells.group('login')
      const rate = { emissionMicros: MINUTE, burst: 1_000 }
      const count = 400_000
      let passed = 0
      for (let index = 0; index < count; index += 1) {
        lockByFailures(cells, group, `invented ${index}`, threshold, NOW + index)
        if (index % 100 === 0 && cells.take(group, '', rate, NOW + index) >= 0) passed += 1
      }
      assert.equal(passed, rate.burst)
      assert.equal(cells.counters.untracked, 0)
      for (let index = count - 20; index < count; index += 1) {
        const left = cells.lockedMicros(group, `invented ${index}`, NOW + count)
        assert.equal(left, MINUTE - (count - index))
      }
    })
  }
})

describe('how full the cells are', () => {
  it('counts what is not idle, and what is locked', () => {
    const cells = new LimitCells(createLimitCellsBuffer(1_001))
    const group = cells.group('login')
    for (let index = 0; index < 30; index += 1) cells.take(group, `${index}`, busyFor(60), NOW)
    for (let index = 0; index < 20; index += 1) cells.fail(group, `${index}`, LOCK_AT_ONCE, NOW)
    assert.deepEqual(cells.fill(NOW), { used: 50, locked: 20, capacity: 1_008 })
    assert.deepEqual(cells.fill(NOW + MINUTE), { used: 0, locked: 0, capacity: 1_008 })
  })

  it('is estimated from a part of many cells', () => {
    const cells = new LimitCells(createLimitCellsBuffer(2 ** 20))
    const group = cells.group('login')
    for (let index = 0; index < 40_000; index += 1) cells.take(group, `${index}`, busyFor(60), NOW)
    const { used, capacity } = cells.fill(NOW)
    assert.equal(capacity, 2 ** 20)
    assert.ok(Math.abs(used - 40_000) < 4_000, `${used}`)
  })

  it('has bounds', () => {
    for (const count of [0, -1, Number.NaN, 2 ** 23 + 1]) {
      assert.throws(() => createLimitCellsBuffer(count), /Invariant/)
    }
    assert.equal(createLimitCellsBuffer(1).byteLength, 64 + WAYS_PER_SET * 16)
  })
})

describe('the place of a key', () => {
  const KEYS = Array.from({ length: 64 }, (_, index) => `203.0.113.${index}`)

  /** The set that each key takes when it comes alone. */
  function placesIn(buffer: SharedArrayBuffer): readonly number[] {
    const memory = mapCells(buffer)
    const cells = new LimitCells(buffer)
    const group = cells.group('login')
    return KEYS.map((key) => {
      cells.take(group, key, busyFor(1), NOW)
      const used = statesOf(memory).find((state) => memory.words[state] !== 0n) ?? NOWHERE
      memory.words.fill(0n, setAt(0))
      return Math.floor((used - setAt(0)) / (2 * WAYS_PER_SET))
    })
  }

  it('differs from buffer to buffer, so that no client can aim at a set', () => {
    const one = placesIn(createLimitCellsBuffer(8_192))
    const other = placesIn(createLimitCellsBuffer(8_192))
    assert.ok(new Set(one).size > 48 && new Set(other).size > 48, 'keys are spread')
    const same = one.filter((set, index) => set === other[index]).length
    assert.ok(same < 8, `${same} of 64 keys have the same place in two buffers`)
  })

  it('is the same for every view of one buffer', () => {
    const buffer = createLimitCellsBuffer(8_192)
    assert.deepEqual(placesIn(buffer), placesIn(buffer))
  })
})

describe('a claim that its thread did not settle', () => {
  const HASH = { low: 77, high: 88 }
  const OTHER_HASH = { low: 99, high: 88 }

  /** Makes way `to` what way 0 is, as if a second thread had claimed it for the same key. */
  function copyClaim({ words }: CellMemory, to: number): void {
    for (const first of [setAt(0), setAt(0) + STATE_OFFSET]) words[first + to] = words[first] ?? 0n
  }

  it('is settled by the next thread that wants the key; the first one has to look again', () => {
    const { memory } = openSet()
    const [dead, alive] = [new CellTable(memory), new CellTable(memory)]
    const cell = dead.findOrClaim(HASH, NOW_TICKS)
    assert.equal(alive.find(HASH), NOWHERE)
    assert.equal(alive.findOrClaim(HASH, NOW_TICKS), cell)
    assert.equal(alive.kind, CLAIMED)
    assert.equal(alive.exchange(cell, LIMIT, NOW_TICKS + 5), true)
    assert.equal(dead.exchange(cell, LIMIT, NOW_TICKS + 5), false)
    assert.equal(dead.findOrClaim(HASH, NOW_TICKS), cell)
    assert.deepEqual([dead.kind, dead.ticks], [LIMIT, NOW_TICKS + 5])
  })

  it('of two is freed where it stands higher, so that one key never counts in two cells', () => {
    const { memory } = openSet()
    const [low, high] = [new CellTable(memory), new CellTable(memory)]
    const cell = low.findOrClaim(HASH, NOW_TICKS)
    copyClaim(memory, 3)
    assert.equal(high.findOrClaim(HASH, NOW_TICKS), cell)
    assert.deepEqual(kindsOf(memory), [CLAIMED, FREE, FREE, FREE, FREE, FREE, FREE, FREE])
  })

  it('is freed where a settled cell of its key is seen', () => {
    const { memory } = openSet()
    const table = new CellTable(memory)
    const cell = table.findOrClaim(HASH, NOW_TICKS)
    copyClaim(memory, 3)
    // As a thread does that saw way 3 while way 0 was not yet claimed.
    const higher = cell + 3
    memory.halves[2 * higher + 1] = stateHigh(NOW_TICKS, LIMIT, 1)
    assert.equal(table.findOrClaim(HASH, NOW_TICKS), higher)
    assert.equal(table.kind, LIMIT)
  })

  it('counts as idle after a second, with a name or without one', () => {
    const { memory } = openSet()
    const table = new CellTable(memory)
    for (let way = 0; way < WAYS_PER_SET; way += 1) {
      table.findOrClaim({ low: way, high: 88 }, NOW_TICKS)
      // Half of the threads died before they wrote the name.
      if (way % 2 === 0) memory.words[setAt(0) + way] = 0n
    }
    assert.deepEqual(kindsOf(memory), new Array(WAYS_PER_SET).fill(CLAIMED))
    assert.equal(table.findOrClaim(OTHER_HASH, NOW_TICKS + ABANDONED_TICKS - 1), NOWHERE)
    assert.equal(table.counters.untracked, 1)
    for (let way = 0; way < WAYS_PER_SET; way += 1) {
      const late = NOW_TICKS + ABANDONED_TICKS + way
      const cell = table.findOrClaim({ low: 100 + way, high: 88 }, late)
      assert.equal(table.exchange(cell, LIMIT, late + 1_000), true)
    }
    assert.deepEqual({ ...table.counters }, { evicted: 0, untracked: 1 })
    assert.deepEqual(kindsOf(memory), new Array(WAYS_PER_SET).fill(LIMIT))
  })

  it('and five locks leave no cell to a limit; of six locks the first one to end goes', () => {
    const { memory } = openSet()
    const table = new CellTable(memory)
    const lockOne = (low: number) => {
      const cell = table.findOrClaim({ low, high: 88 }, NOW_TICKS)
      assert.equal(table.exchange(cell, LOCKED, NOW_TICKS + 100 - low), true)
      return cell
    }
    for (let low = 0; low < LOCKS_KEPT; low += 1) lockOne(low)
    for (let low = LOCKS_KEPT; low < WAYS_PER_SET; low += 1) {
      table.findOrClaim({ low, high: 88 }, NOW_TICKS)
    }
    assert.equal(table.findOrClaim(OTHER_HASH, NOW_TICKS), NOWHERE)
    assert.deepEqual({ ...table.counters }, { evicted: 0, untracked: 1 })
    const last = lockOne(LOCKS_KEPT)
    assert.equal(table.findOrClaim(OTHER_HASH, NOW_TICKS), last)
    assert.deepEqual({ ...table.counters }, { evicted: 1, untracked: 1 })
  })

  it('of a thread that was merely slow changes nothing of what came after', () => {
    const { memory } = openSet()
    const [slow, quick] = [new CellTable(memory), new CellTable(memory)]
    const cell = slow.findOrClaim(HASH, NOW_TICKS)
    const late = NOW_TICKS + ABANDONED_TICKS
    for (let index = 0; index < WAYS_PER_SET; index += 1) {
      const taken = quick.findOrClaim({ low: 100 + index, high: 88 }, late)
      assert.equal(quick.exchange(taken, LIMIT, late + 5), true)
    }
    assert.equal(slow.exchange(cell, LIMIT, NOW_TICKS), false)
    assert.deepEqual(kindsOf(memory), new Array(WAYS_PER_SET).fill(LIMIT))
  })
})

describe('a cell that changes hands', () => {
  it('belongs to neither key while its name and its state are of different generations', () => {
    const { memory } = openSet()
    const table = new CellTable(memory)
    const hash = { low: 77, high: 88 }
    const cell = table.findOrClaim(hash, NOW_TICKS)
    assert.equal(table.exchange(cell, LOCKED, 2 * NOW_TICKS), true)
    assert.equal(table.find(hash), cell)
    // As a thread sees it that read the name just before the cell went to another key.
    memory.halves[2 * cell + 1] = stateHigh(2 * NOW_TICKS, LOCKED, 2)
    assert.equal(table.find(hash), NOWHERE)
    assert.notEqual(table.findOrClaim(hash, NOW_TICKS), cell)
  })

  it('never shows a key what another counted, through all its generations', () => {
    const { cells, group } = openSet()
    let now = NOW
    for (let round = 0; round < 4 * (GENERATION_MASK + 1); round += 1) {
      now += MINUTE
      for (let index = 0; index < WAYS_PER_SET; index += 1) {
        const key = `key ${(round + index) % 20}`
        assert.equal(cells.take(group, key, busyFor(60), now), 0)
        assert.equal(cells.take(group, key, busyFor(60), now), -MINUTE)
      }
    }
    assert.deepEqual({ ...cells.counters }, { evicted: 0, untracked: 0 })
  })
})
