/** The script of fleet limits against a slow model of it that is told the same time. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import type { FleetQuestion } from '../../src/rate-limit/fleet-limits.ts'
import { fail, locked, openFleet, redisKey, take } from '../support/fleet-limits.ts'
import { RedisClients } from '../support/redis-clients.ts'
import { RedisServer } from '../support/redis-server.ts'

const RUNS = 100
/** Of a take that is asked for beside the others: it tells at which time the script ran. */
const PROBE_MICROS = 1_000_000

/** A leaky bucket, which ITU-T I.371 has beside virtual scheduling, and a list of all failures. */
class SlowModel {
  readonly #buckets = new Map<string, { levelMicros: number; atMicros: number }>()
  readonly #failures = new Map<string, number[]>()
  readonly #lockEnds = new Map<string, number>()

  answer(question: FleetQuestion, nowMicros: number): number {
    switch (question.kind) {
      case 'take':
        return this.#take(question, nowMicros)
      case 'locked':
        return this.#leftOf(question.key, nowMicros)
      case 'fail':
        return this.#fail(question, nowMicros)
    }
  }

  #take({ key, rate }: FleetQuestion & { kind: 'take' }, nowMicros: number): number {
    const { emissionMicros, burst } = rate
    const bucket = this.#buckets.get(key) ?? { levelMicros: 0, atMicros: nowMicros }
    let levelMicros = Math.max(0, bucket.levelMicros - (nowMicros - bucket.atMicros))
    const isFromStricterRule = levelMicros > burst * emissionMicros
    levelMicros = Math.min(levelMicros, burst * emissionMicros)
    if (isFromStricterRule) this.#buckets.set(key, { levelMicros, atMicros: nowMicros })
    const roomFor = () => levelMicros <= (burst - 1) * emissionMicros
    if (!roomFor()) return (burst - 1) * emissionMicros - levelMicros
    levelMicros += emissionMicros
    this.#buckets.set(key, { levelMicros, atMicros: nowMicros })
    let more = 0
    for (; roomFor(); levelMicros += emissionMicros) more += 1
    return more
  }

  #fail({ key, rule }: FleetQuestion & { kind: 'fail' }, nowMicros: number): number {
    if (this.#leftOf(key, nowMicros) > 0) return 0
    const times = this.#failures.get(key) ?? []
    this.#failures.set(key, times)
    times.push(nowMicros)
    // Backwards, as far as each was within the window of the one before.
    let count = 1
    for (let index = times.length - 1; index > 0; index -= 1) {
      if ((times[index] ?? 0) - (times[index - 1] ?? 0) > rule.windowMicros) break
      count += 1
    }
    if (count < rule.threshold) return 0
    times.length = 0
    this.#lockEnds.set(key, nowMicros + rule.lockoutMicros)
    return rule.lockoutMicros
  }

  #leftOf(key: string, nowMicros: number): number {
    return Math.max(0, (this.#lockEnds.get(key) ?? 0) - nowMicros)
  }
}

/** Short enough that time passes between two calls. */
const micros = fc.integer({ min: 1, max: 3_000 })
const takes = fc
  .record({
    key: fc.constantFrom('a', 'b'),
    emission: micros,
    burst: fc.integer({ min: 1, max: 6 }),
  })
  .map(({ key, emission, burst }) => take(key, emission, burst))
/** A window of its own for each key: how long ago counts depends on the failure that comes next. */
const failures = fc
  .record({
    key: fc.constantFrom('c', 'd'),
    threshold: fc.integer({ min: 1, max: 4 }),
    lockout: micros,
  })
  .map(({ key, threshold, lockout }) => fail(key, threshold, key === 'c' ? 700 : 2_500, lockout))
const locks = fc.constantFrom('c', 'd').map(locked)
const requests = fc.array(fc.array(fc.oneof(takes, failures, locks), { maxLength: 5 }), {
  minLength: 1,
  maxLength: 40,
})

describe('the script of fleet limits', () => {
  let server: RedisServer
  const clients = new RedisClients()
  before(async () => {
    server = await RedisServer.start()
  })
  after(async () => {
    clients.closeAll()
    await server.stop()
  })

  it('answers as a slow model does that is told the same microsecond', async () => {
    const { fleet } = await openFleet(clients, [server.node])
    await fc.assert(
      fc.asyncProperty(requests, async (sequence) => {
        await server.command('flushall')
        const model = new SlowModel()
        for (const [index, questions] of sequence.entries()) {
          const probe = `probe ${index}`
          const answers = await fleet.ask([...questions, take(probe, PROBE_MICROS, 1)])
          const arrival = Number(await server.command('get', redisKey('rate', probe)))
          const nowMicros = arrival - PROBE_MICROS
          const expected = questions.map((question) => model.answer(question, nowMicros))
          assert.deepEqual(answers, [...expected, 0])
        }
      }),
      { numRuns: RUNS },
    )
  })
})
