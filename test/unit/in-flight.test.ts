import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  createInFlightBuffer,
  IN_FLIGHT_WAIT_MS_MAX,
  InFlight,
} from '../../src/token-cache/in-flight.ts'
import { digestOf } from '../support/self-describing-verdict.ts'

const NOW_MS = 1_700_000_000_000

describe('in-flight verifications', () => {
  it('has one owner for a credential, whose release wakes those who wait', async () => {
    const buffer = createInFlightBuffer()
    const here = new InFlight(buffer)
    const there = new InFlight(buffer)
    const owner = here.claim(digestOf(1), NOW_MS)
    const waiter = there.claim(digestOf(1), NOW_MS)
    assert.deepEqual([owner.isOwner, waiter.isOwner], [true, false])
    const woken = there.wait(waiter, IN_FLIGHT_WAIT_MS_MAX)
    // A timer, because a waiter alone keeps no process alive.
    const alive = setInterval(() => here.release(owner), 5)
    await woken
    clearInterval(alive)
    assert.equal(there.claim(digestOf(1), NOW_MS).isOwner, true)
  })

  it('does not wait for an owner who was done before the wait began', async () => {
    const inFlight = new InFlight(createInFlightBuffer())
    const owner = inFlight.claim(digestOf(1), NOW_MS)
    const waiter = inFlight.claim(digestOf(1), NOW_MS)
    inFlight.release(owner)
    await inFlight.wait(waiter, IN_FLIGHT_WAIT_MS_MAX)
  })

  it('keeps nobody waiting longer than the time given, even if the owner died', async () => {
    const inFlight = new InFlight(createInFlightBuffer())
    inFlight.claim(digestOf(1), NOW_MS)
    const waiter = inFlight.claim(digestOf(1), NOW_MS)
    const alive = setInterval(() => {}, 5)
    await inFlight.wait(waiter, 20)
    clearInterval(alive)
  })

  it('overtakes an owner who is too slow, whose release then frees nobody else', () => {
    const inFlight = new InFlight(createInFlightBuffer())
    const slow = inFlight.claim(digestOf(1), NOW_MS)
    const laterMs = NOW_MS + IN_FLIGHT_WAIT_MS_MAX + 512
    const next = inFlight.claim(digestOf(1), laterMs)
    assert.equal(next.isOwner, true)
    inFlight.release(slow)
    assert.equal(inFlight.claim(digestOf(1), laterMs).isOwner, false)
  })

  it('lets different credentials be verified at once, whatever cells they share', () => {
    const inFlight = new InFlight(createInFlightBuffer())
    for (let subject = 0; subject < 6_000; subject += 1) {
      const claim = inFlight.claim(digestOf(subject), NOW_MS)
      assert.equal(claim.isOwner, true, `${subject} waits for another credential`)
    }
  })
})
