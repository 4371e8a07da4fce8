import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ABANDONED_TICKS, CellTable, NOWHERE } from '../../src/rate-limit/cell-table.ts'
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
import { createLimitCellsBuffer, LimitCells } from '../../src/rate-limit/limit-cells.ts'

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
    const cells = new LimitCells(createLimitCellsBuffer(1_024))
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
    const fill = { used: 1_024, locked: 100, capacity: 1_024 }
    assert.deepEqual(cells.fill(later), fill)
  })

  it('and all locked, leave a new key untracked: it passes, is not locked, and is counted', () => {
    const { cells, group } = openSet()
    for (let index = 0; index < WAYS_PER_SET; index += 1) {
      cells.fail(group, `locked ${index}`, LOCK_AT_ONCE, NOW)
    }
    const rate = { emissionMicros: MINUTE, burst: 3 }
    for (let request = 0; request < 10; request += 1) {
      assert.equal(cells.take(group, 'new', rate, NOW), 2)
    }
    assert.equal(cells.fail(group, 'new', LOCK_AT_ONCE, NOW), 0)
    cells.lock(group, 'new', NOW + MINUTE, NOW)
    assert.equal(cells.lockedMicros(group, 'new', NOW), 0)
    assert.deepEqual({ ...cells.counters }, { evicted: 0, untracked: 12 })

    const end = NOW + MINUTE
    assert.equal(cells.fail(group, 'new', LOCK_AT_ONCE, end), MINUTE)
    assert.equal(cells.lockedMicros(group, 'new', end), MINUTE)
    assert.deepEqual({ ...cells.counters }, { evicted: 0, untracked: 12 })
  })
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
