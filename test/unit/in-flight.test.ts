import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  createInFlightBuffer,
  IN_FLIGHT_WAIT_MS_MAX,
  InFlight,
  NO_OUTCOME,
} from '../../src/token-cache/in-flight.ts'
import { digestOf } from '../support/self-describing-verdict.ts'

const NOW_MS = 1_700_000_000_000

describe('in-flight verifications', () => {
  it('has one owner for a credential, whose release wakes those who wait', async () => {
    const buffer = createInFlightBuffer()
    const here = new InFlight(buffer)
    const there = new InFlight(buffer)
    const owner = here.claim(digestOf(1), NOW_MS, IN_FLIGHT_WAIT_MS_MAX)
    const waiter = there.claim(digestOf(1), NOW_MS, IN_FLIGHT_WAIT_MS_MAX)
    assert.deepEqual([owner.isOwner, waiter.isOwner], [true, false])
    const woken = there.wait(waiter)
    // A timer, because a waiter alone keeps no process alive.
    const alive = setInterval(() => here.release(owner, digestOf(1), NO_OUTCOME, NOW_MS), 5)
    await woken
    clearInterval(alive)
    assert.equal(there.claim(digestOf(1), NOW_MS, IN_FLIGHT_WAIT_MS_MAX).isOwner, true)
  })

  it('does not wait for an owner who was done before the wait began', async () => {
    const inFlight = new InFlight(createInFlightBuffer())
    const owner = inFlight.claim(digestOf(1), NOW_MS, IN_FLIGHT_WAIT_MS_MAX)
    const waiter = inFlight.claim(digestOf(1), NOW_MS, IN_FLIGHT_WAIT_MS_MAX)
    inFlight.release(owner, digestOf(1), NO_OUTCOME, NOW_MS)
    await inFlight.wait(waiter)
  })

  it('lets no thread wait longer than the time given, even if the owner died', async () => {
    const inFlight = new InFlight(createInFlightBuffer())
    inFlight.claim(digestOf(1), NOW_MS, IN_FLIGHT_WAIT_MS_MAX)
    const waiter = inFlight.claim(digestOf(1), NOW_MS, IN_FLIGHT_WAIT_MS_MAX)
    const alive = setInterval(() => {}, 5)
    await inFlight.wait(waiter, 20)
    clearInterval(alive)
  })

  it('overtakes an owner who is too slow, whose release then frees no other claim', () => {
    const inFlight = new InFlight(createInFlightBuffer())
    const slow = inFlight.claim(digestOf(1), NOW_MS, IN_FLIGHT_WAIT_MS_MAX)
    const laterMs = NOW_MS + IN_FLIGHT_WAIT_MS_MAX + 512
    const next = inFlight.claim(digestOf(1), laterMs, IN_FLIGHT_WAIT_MS_MAX)
    assert.equal(next.isOwner, true)
    inFlight.release(slow, digestOf(1), NO_OUTCOME, NOW_MS)
    assert.equal(inFlight.claim(digestOf(1), laterMs, IN_FLIGHT_WAIT_MS_MAX).isOwner, false)
  })

  it('lets different credentials be verified at once, whatever cells they share', () => {
    const inFlight = new InFlight(createInFlightBuffer())
    for (let subject = 0; subject < 6_000; subject += 1) {
      const claim = inFlight.claim(digestOf(subject), NOW_MS, IN_FLIGHT_WAIT_MS_MAX)
      assert.equal(claim.isOwner, true, `${subject} waits for another credential`)
    }
  })

  it('has one owner for each of two credentials that meet in one cell', () => {
    const inFlight = new InFlight(createInFlightBuffer())
    const first = inFlight.claim(digestOf(0), NOW_MS, IN_FLIGHT_WAIT_MS_MAX)
    let meeting = 1
    const cellOf = (subject: number) => {
      const alone = new InFlight(createInFlightBuffer())
      return alone.claim(digestOf(subject), NOW_MS, IN_FLIGHT_WAIT_MS_MAX).cell
    }
    while (cellOf(meeting) !== first.cell) meeting += 1
    const second = inFlight.claim(digestOf(meeting), NOW_MS, IN_FLIGHT_WAIT_MS_MAX)
    assert.equal(second.isOwner, true)
    for (const [subject, owner] of [
      [0, first],
      [meeting, second],
    ] as const) {
      const waiter = inFlight.claim(digestOf(subject), NOW_MS, IN_FLIGHT_WAIT_MS_MAX)
      assert.deepEqual([waiter.isOwner, waiter.cell], [false, owner.cell])
    }
  })

  it('gives an owner all the time that its verification may take', () => {
    const inFlight = new InFlight(createInFlightBuffer())
    const ownerMs = 60_000
    inFlight.claim(digestOf(1), NOW_MS, ownerMs)
    assert.equal(inFlight.claim(digestOf(1), NOW_MS + ownerMs, ownerMs).isOwner, false)
    assert.equal(inFlight.claim(digestOf(1), NOW_MS + ownerMs + 512, ownerMs).isOwner, true)
  })

  it('tells its outcome to those who come a moment later, and to no others', () => {
    const inFlight = new InFlight(createInFlightBuffer())
    const owner = inFlight.claim(digestOf(1), NOW_MS, IN_FLIGHT_WAIT_MS_MAX)
    assert.equal(inFlight.outcome(digestOf(1), NOW_MS), NO_OUTCOME)
    inFlight.release(owner, digestOf(1), 3, NOW_MS)
    assert.equal(inFlight.outcome(digestOf(1), NOW_MS + 200), 3)
    assert.equal(inFlight.outcome(digestOf(1), NOW_MS + 300), NO_OUTCOME)
    // The clock was set back.
    assert.equal(inFlight.outcome(digestOf(1), NOW_MS - 300), NO_OUTCOME)
    for (let subject = 2; subject < 6_000; subject += 1) {
      assert.equal(inFlight.outcome(digestOf(subject), NOW_MS), NO_OUTCOME)
    }
  })
})
