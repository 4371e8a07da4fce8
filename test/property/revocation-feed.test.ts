/** Several feeds over one log: whatever happens on the way, in the end all cover the same. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FeedRig, settle } from '../support/feed-rig.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { tokenEntryOf } from '../support/revocations.ts'
import { UnreliableLog } from '../support/unreliable-log.ts'

const NOW = 1_700_000_000
const FEEDS = 2
const TOKENS = 12

type Step =
  | { kind: 'revoke'; feed: number; token: number; life: number }
  | { kind: 'look'; feed: number }
  | {
      kind: 'log'
      fault: 'isReachable' | 'isReadOnly' | 'losesAnswers' | 'isReversed'
      on: boolean
    }
  | { kind: 'repeat'; records: number }
  | { kind: 'garbage'; text: string }
  | { kind: 'loss' }

const anyFeed = fc.nat(FEEDS - 1)

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('revoke' as const),
      feed: anyFeed,
      token: fc.nat(TOKENS - 1),
      life: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('look' as const), feed: anyFeed }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('log' as const),
      fault: fc.constantFrom('isReachable', 'isReadOnly', 'losesAnswers', 'isReversed'),
      on: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('repeat' as const), records: fc.nat(4) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('garbage' as const), text: fc.string() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('loss' as const) }) },
)

class World {
  readonly log = new UnreliableLog()
  readonly rigs: FeedRig[] = []
  readonly revoked = new Set<number>()

  constructor() {
    const clock = new ManualClock()
    for (let feed = 0; feed < FEEDS; feed += 1) this.rigs.push(new FeedRig(this.log, clock, {}))
    for (const { feed } of this.rigs) feed.start()
  }

  async run(step: Step): Promise<void> {
    const { log } = this
    if (step.kind === 'revoke') {
      const rig = this.rigs[step.feed] as FeedRig
      rig.feed.revoke(tokenEntryOf(step.token, NOW + step.life * 1_000))
      this.revoked.add(step.token)
      assert.equal(rig.isRevoked(step.token), true, 'in force at once, whatever the log does')
    } else if (step.kind === 'look') this.rigs[step.feed]?.timers.fire()
    else if (step.kind === 'log') log[step.fault] = step.on
    else if (step.kind === 'repeat') log.repeats = step.records
    else if (step.kind === 'garbage') log.records.push(step.text)
    else log.lose()
    // One turn, not until all is quiet: the next step comes in the middle of this one.
    await new Promise((resolve) => setImmediate(resolve))
  }

  async heal(): Promise<void> {
    const { log } = this
    log.isReadOnly = false
    log.losesAnswers = false
    log.isReachable = true
    // Once to notice and send, once to learn what the others sent.
    for (let round = 0; round < 3; round += 1) await this.#lookEverywhere()
  }

  async #lookEverywhere(): Promise<void> {
    await settle()
    for (const { timers } of this.rigs) timers.fire()
    await settle()
  }
}

describe('revocation feeds over one log', () => {
  it('come to cover the same, whatever was lost, repeated, reordered or refused', async () => {
    let revocations = 0
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 40, size: 'max' }), async (steps) => {
        const world = new World()
        for (const step of steps) await world.run(step)
        await world.heal()
        for (let token = 0; token < TOKENS; token += 1) {
          for (const rig of world.rigs) {
            assert.equal(rig.isRevoked(token), world.revoked.has(token))
            assert.equal(rig.feed.status().pendingCount, 0)
            assert.equal(rig.feed.status().state, 'caught_up')
          }
        }
        for (const { feed } of world.rigs) feed.stop()
        revocations += world.revoked.size
      }),
      { numRuns: 60 },
    )
    assert.ok(revocations > 100, 'the property looked at real revocations')
  })
})
