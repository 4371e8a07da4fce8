/** A thread of the limit cells' tests: takes from shared cells as fast as it can. */
import { parentPort, workerData } from 'node:worker_threads'
import { LimitCells } from '../../src/rate-limit/limit-cells.ts'
import type { FailureRule, LimitRate } from '../../src/rate-limit/limit-rule.ts'
import { systemClock } from '../../src/runtime/clock.ts'

export interface LimitThreadInput {
  readonly buffer: SharedArrayBuffer
  readonly rate: LimitRate
  readonly task:
    | { readonly kind: 'hammer'; readonly runs: number; readonly runMicros: number }
    | { readonly kind: 'newcomers'; readonly rounds: number; readonly keysPerRound: number }
    | { readonly kind: 'churn'; readonly hotKeys: number }
    | { readonly kind: 'lockouts'; readonly names: number }
  readonly threads: number
  readonly seed: number
  /** Word 0: threads that reached a meeting, over all of them. Then what passed, one word a key. */
  readonly tally: SharedArrayBuffer
}

/** What one thread did in one run. */
export interface HammerReport {
  readonly passed: number
  readonly lastMicros: number
}

/** What one thread did, and how many of its last 20 names are locked. */
export interface LockoutReport {
  readonly passed: number
  readonly lastLocked: number
}

/** Between two rounds: longer than any key of the tests stays busy. */
export const ROUND_MICROS = 3_600_000_000
/** More often than any of the rates in the tests lets pass. */
export const TAKES_PER_KEY = 6

const input = workerData as LimitThreadInput
const cells = new LimitCells(input.buffer)
const group = cells.group('login')
const { rate, task } = input
const tally = new Int32Array(input.tally)

function nowMicros(): number {
  return systemClock.processMs() * 1_000
}

function meetTheOthers(meeting: number): void {
  const everybody = input.threads * (meeting + 1)
  if (Atomics.add(tally, 0, 1) + 1 === everybody) Atomics.notify(tally, 0)
  for (let met = Atomics.load(tally, 0); met < everybody; met = Atomics.load(tally, 0)) {
    Atomics.wait(tally, 0, met, 1_000)
  }
}

/** One key for a span of real time and until one is refused, so that nothing is left; and again. */
function hammer(runs: number, runMicros: number): readonly HammerReport[] {
  return Array.from({ length: runs }, (_, run) => {
    meetTheOthers(2 * run)
    const key = `run ${run}`
    let [passed, lastMicros, answer] = [0, nowMicros(), 0]
    const endMicros = lastMicros + runMicros
    while (answer >= 0 || lastMicros < endMicros) {
      lastMicros = nowMicros()
      answer = cells.take(group, key, rate, lastMicros)
      if (answer >= 0) passed += 1
    }
    meetTheOthers(2 * run + 1)
    return { passed, lastMicros }
  })
}

/** Every round all threads take the same new keys in the same order, at the same instant. */
function meetNewcomers(rounds: number, keysPerRound: number): void {
  for (let round = 0; round < rounds; round += 1) {
    meetTheOthers(round)
    for (let key = 0; key < keysPerRound; key += 1) {
      const name = `key ${round} ${key}`
      const place = 1 + round * keysPerRound + key
      for (let turn = 0; turn < TAKES_PER_KEY; turn += 1) {
        const answer = cells.take(group, name, rate, round * ROUND_MICROS)
        if (answer >= 0) Atomics.add(tally, place, 1)
      }
    }
  }
}

/** Few keys that stay busy among many that come and go, until terminated. */
function churn(hotKeys: number): never {
  const other: LimitRate = { emissionMicros: 10, burst: 1 }
  parentPort?.postMessage('churning')
  for (let turn = 0; ; turn += 1) {
    const hot = turn % hotKeys
    if (cells.take(group, `hot ${hot}`, rate, nowMicros()) >= 0) Atomics.add(tally, 1 + hot, 1)
    cells.take(group, `flood ${input.seed} ${turn}`, other, nowMicros())
  }
}

/** Locks names of its own, takes key '' every tenth time, tells which of the last are locked. */
function lockOut(names: number): LockoutReport {
  meetTheOthers(0)
  const rule: FailureRule = { threshold: 2, windowMicros: 1e9, lockoutMicros: ROUND_MICROS }
  let passed = 0
  for (let index = 0; index < names; index += 1) {
    const name = `name ${input.seed} ${index}`
    cells.fail(group, name, rule, nowMicros())
    cells.fail(group, name, rule, nowMicros())
    if (index % 10 === 0 && cells.take(group, '', rate, nowMicros()) >= 0) passed += 1
  }
  const lastNames = Array.from(
    { length: 20 },
    (_, back) => `name ${input.seed} ${names - 1 - back}`,
  )
  meetTheOthers(1)
  const locked = lastNames.filter((name) => cells.lockedMicros(group, name, nowMicros()) > 0)
  return { passed, lastLocked: locked.length }
}

if (task.kind === 'lockouts') parentPort?.postMessage(lockOut(task.names))
else if (task.kind === 'hammer') parentPort?.postMessage(hammer(task.runs, task.runMicros))
else if (task.kind === 'churn') churn(task.hotKeys)
else {
  meetNewcomers(task.rounds, task.keysPerRound)
  parentPort?.postMessage({ ...cells.counters })
}
