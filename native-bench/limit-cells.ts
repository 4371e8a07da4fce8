/**
 * What it costs to count a request against a limit, and to ask whether a key is locked. Run:
 * `node build/native-bench/limit-cells.js`.
 */
import { createLimitCellsBuffer, LimitCells } from '../src/rate-limit/limit-cells.ts'
import type { LimitRate } from '../src/rate-limit/limit-rule.ts'
import { systemClock } from '../src/runtime/clock.ts'
import { type BenchCase, runBench } from './bench.ts'

const TIMES_PER_ROUND = 100_000
const CELLS = 65_536
const KEYS = 1_000
const MINUTE_MICROS = 60_000_000
const START_MICROS = 1e12
/** Twice the cells: half of them are gone when they come again. */
const FLOOD_KEYS = 2 * CELLS

const generous: LimitRate = { emissionMicros: 100, burst: 1_000_000_000 }
const slow: LimitRate = { emissionMicros: MINUTE_MICROS, burst: 1 }
const lockout = { threshold: 1, windowMicros: MINUTE_MICROS, lockoutMicros: MINUTE_MICROS }

let sink = 0

function keysOf(count: number, name: (index: number) => string): readonly string[] {
  return Array.from({ length: count }, (_, index) => name(index))
}

const addresses = keysOf(KEYS, (index) => `203.0.113.${index}`)
const mails = keysOf(KEYS, (index) => `somebody.number.${index}@mail.example.com`)
const flood = keysOf(FLOOD_KEYS, (index) => `198.51.${index >> 8}.${index & 255}`)

/** Takes each key in turn, at one instant or, if `stepMicros` is not 0, ever later. */
function taking(
  name: string,
  keys: readonly string[],
  rate: LimitRate,
  { stepMicros = 0, cells = new LimitCells(createLimitCellsBuffer(CELLS)) } = {},
): BenchCase {
  const group = cells.group('bench')
  let nowMicros = START_MICROS
  let next = 0
  return {
    name,
    timesPerRound: TIMES_PER_ROUND,
    run: (times) => {
      for (let index = 0; index < times; index += 1) {
        sink += cells.take(group, keys[next] as string, rate, nowMicros)
        nowMicros += stepMicros
        next = next + 1 === keys.length ? 0 : next + 1
      }
    },
  }
}

function locking(name: string, isLocked: boolean): BenchCase {
  const cells = new LimitCells(createLimitCellsBuffer(CELLS))
  const group = cells.group('bench')
  if (isLocked) for (const key of addresses) cells.fail(group, key, lockout, START_MICROS)
  return {
    name,
    timesPerRound: TIMES_PER_ROUND,
    run: (times) => {
      for (let index = 0; index < times; index += 1) {
        sink += cells.lockedMicros(group, addresses[index % KEYS] as string, START_MICROS)
      }
    },
  }
}

function failing(): BenchCase {
  const cells = new LimitCells(createLimitCellsBuffer(CELLS))
  const group = cells.group('bench')
  const rule = { ...lockout, threshold: 1_000 }
  let nowMicros = START_MICROS
  return {
    name: 'a failure, of 1 000 addresses',
    timesPerRound: TIMES_PER_ROUND,
    run: (times) => {
      for (let index = 0; index < times; index += 1) {
        sink += cells.fail(group, addresses[index % KEYS] as string, rule, nowMicros)
        nowMicros += MINUTE_MICROS
      }
    },
  }
}

/** Under the flood of other keys every cell is taken, and none is idle. */
const flooded = new LimitCells(createLimitCellsBuffer(CELLS))
const floodedGroup = flooded.group('bench')
for (const key of flood) flooded.take(floodedGroup, key, slow, START_MICROS)

const cases: BenchCase[] = [
  taking('take: passes, one key', ['203.0.113.7'], generous),
  taking('take: passes, 1 000 addresses', addresses, generous),
  taking('take: passes, 1 000 e-mail addresses', mails, generous),
  taking('take: refused, 1 000 addresses', addresses, slow),
  taking('take: new key, in place of an idle one', flood, slow, { stepMicros: 1e6 }),
  taking('take: new key, in place of one in use', flood, slow, {
    stepMicros: 0.01,
    cells: flooded,
  }),
  taking('take: passes, among the cells of a flood', addresses, generous, { cells: flooded }),
  locking('lockedMicros: not locked, unknown', false),
  locking('lockedMicros: locked', true),
  failing(),
  {
    name: 'the clock that all threads share',
    timesPerRound: TIMES_PER_ROUND,
    run: (times) => {
      for (let index = 0; index < times; index += 1) sink += systemClock.processMs()
    },
  },
]
await runBench('CPU for one question to the cells', cases, () => {
  const { evicted, untracked } = flooded.counters
  return `evicted ${evicted}, untracked ${untracked}`
})
if (sink === 0) throw new Error('nothing was counted')
