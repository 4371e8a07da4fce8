/** A thread of the circuit breaker tests: makes attempts at one endpoint together with others. */
import { parentPort, workerData } from 'node:worker_threads'
import { CircuitBreaker, type CircuitBreakerOptions } from '../../src/resilience/circuit-breaker.ts'

export interface BreakerThreadInput {
  readonly buffer: SharedArrayBuffer
  readonly options: CircuitBreakerOptions
  /** Word 0: threads that reached the round, over all rounds. Two more words for each round. */
  readonly tally: SharedArrayBuffer
  readonly threads: number
  readonly rounds: number
  readonly attemptsPerRound: number
  /** Wall clock of round 0. Each round begins when the wait of the one before is over. */
  readonly startMs: number
  /** Take one permit, say so, and never give a verdict. */
  readonly diesWithPermit: boolean
}

const input = workerData as BreakerThreadInput
const breaker = new CircuitBreaker(input.buffer, 0, input.options)
const tally = new Int32Array(input.tally)

function meetTheOthers(meeting: number): void {
  const everybody = input.threads * (meeting + 1)
  if (Atomics.add(tally, 0, 1) + 1 === everybody) Atomics.notify(tally, 0)
  for (let met = Atomics.load(tally, 0); met < everybody; met = Atomics.load(tally, 0)) {
    Atomics.wait(tally, 0, met, 1_000)
  }
}

/**
 * The first half of a round takes as many permits as there are and holds them; the second gives
 * the verdicts. In round 0 the endpoint fails, in odd rounds it works, in even ones it fails.
 */
function run(): void {
  for (let round = 0; round < input.rounds; round += 1) {
    const nowMs = input.startMs + round * input.options.recoveryTimeoutMs
    meetTheOthers(2 * round)
    const permits = []
    for (let attempt = 0; attempt < input.attemptsPerRound; attempt += 1) {
      const permit = breaker.tryAcquire(nowMs)
      if (permit !== null) permits.push(permit)
    }
    Atomics.add(tally, 1 + 2 * round, permits.length)
    meetTheOthers(2 * round + 1)
    let turns = 0
    for (const permit of permits) {
      const isWorking = round % 2 === 1
      const hasTurned = isWorking ? breaker.succeeded(permit) : breaker.failed(permit, nowMs)
      if (hasTurned) turns += 1
    }
    Atomics.add(tally, 2 + 2 * round, turns)
  }
}

if (input.diesWithPermit) {
  parentPort?.postMessage(breaker.tryAcquire(input.startMs) !== null)
  // Stays until it is ended from outside.
  setInterval(() => {}, 1_000_000)
} else {
  run()
  parentPort?.postMessage('done')
}
