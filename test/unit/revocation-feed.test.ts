import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { RETRY_FULL_INDEX_MS } from '../../src/revocation/left-out-revocations.ts'
import { encodeRevocationRecord } from '../../src/revocation/revocation-record.ts'
import { eventually } from '../support/eventually.ts'
import { FeedRig, POLL_MS, settle } from '../support/feed-rig.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { tokenEntryOf } from '../support/revocations.ts'
import { UnreliableLog } from '../support/unreliable-log.ts'

const NOW = 1_700_000_000
const UNTIL = NOW + 3_600
const rigs: FeedRig[] = []

afterEach(() => {
  for (const { feed } of rigs.splice(0)) feed.stop()
})

function open(log: UnreliableLog, clock = new ManualClock(), options = {}): FeedRig {
  const rig = new FeedRig(log, clock, options)
  rigs.push(rig)
  return rig
}

async function started(log: UnreliableLog, clock?: ManualClock, options = {}): Promise<FeedRig> {
  const rig = open(log, clock, options)
  rig.feed.start()
  await settle()
  return rig
}

function logOf(...numbers: readonly number[]): UnreliableLog {
  const log = new UnreliableLog()
  for (const number of numbers) log.records.push(recordOf(number))
  return log
}

function recordOf(number: number): string {
  return encodeRevocationRecord(tokenEntryOf(number, UNTIL))
}

function isCaughtUp(rig: FeedRig): Promise<boolean> {
  return Promise.race([rig.feed.whenCaughtUp().then(() => true), settle().then(() => false)])
}

describe('revocation feed at the start', () => {
  it('has read the whole log, page by page, before it is caught up', async () => {
    const rig = open(logOf(0, 1, 2, 3, 4, 5, 6))
    const heard = rig.feed
      .whenCaughtUp()
      .then(() => [0, 1, 2, 3, 4, 5, 6].map((n) => rig.isRevoked(n)))
    assert.equal(rig.feed.status().lagSeconds, null)
    rig.feed.start()
    assert.deepEqual(await heard, new Array(7).fill(true))
    assert.equal(rig.feed.status().state, 'caught_up')
    assert.equal(rig.feed.status().recordsRead, 7)
  })

  it('is caught up at once over an empty log', async () => {
    assert.equal(await isCaughtUp(await started(new UnreliableLog())), true)
  })

  it('is not caught up while the log is away, tries ever less often, and then is', async () => {
    const log = logOf(1)
    log.isReachable = false
    const rig = await started(log)
    const delays: number[] = []
    for (let attempt = 0; attempt < 6; attempt += 1) {
      delays.push(...rig.timers.delaysMs)
      rig.timers.fire()
      await settle()
    }
    assert.deepEqual(delays, [100, 200, 400, 800, 1_000, 1_000])
    assert.equal(rig.feed.status().state, 'unreachable')
    assert.equal(await isCaughtUp(rig), false)
    log.isReachable = true
    rig.timers.fire()
    assert.equal(await isCaughtUp(rig), true)
    assert.equal(rig.isRevoked(1), true)
    assert.deepEqual(rig.states, ['unreachable', 'catching_up', 'caught_up'])
    assert.deepEqual(rig.timers.delaysMs, [POLL_MS])
  })

  it('gives up on an answer that does not come', async () => {
    const log = logOf(1)
    log.isHung = true
    const rig = await started(log, new ManualClock(), { callTimeoutMs: 20 })
    await eventually('the feed gives up', () => rig.feed.status().state === 'unreachable')
    log.isHung = false
    rig.timers.fire()
    await rig.feed.whenCaughtUp()
    assert.equal(rig.isRevoked(1), true)
  })

  it('starts once, however often it is told to', async () => {
    const rig = await started(new UnreliableLog())
    rig.feed.start()
    await settle()
    assert.deepEqual(rig.timers.delaysMs, [POLL_MS])
  })
})

describe('revocation feed', () => {
  it('brings a revocation to the other instances at their next look', async () => {
    const log = new UnreliableLog()
    const [here, there] = [await started(log), await started(log)]
    const receipt = here.feed.revoke(tokenEntryOf(1, UNTIL))
    assert.equal(receipt.outcome, 'added')
    assert.equal(here.isRevoked(1), true, 'here it is in force at once')
    assert.equal(await receipt.isSent, true)
    assert.deepEqual(log.expiries, [UNTIL])
    assert.equal(here.feed.status().pendingCount, 0)
    assert.equal(there.isRevoked(1), false)
    there.timers.fire()
    await settle()
    assert.equal(there.isRevoked(1), true)
  })

  it('revokes here while the log is away, and tells the others when it is back', async () => {
    const log = new UnreliableLog()
    const [here, there] = [await started(log), await started(log)]
    log.isReachable = false
    for (let number = 0; number < 200; number += 1) {
      assert.equal(here.feed.revoke(tokenEntryOf(number, UNTIL)).outcome, 'added')
      assert.equal(here.isRevoked(number), true)
    }
    await settle()
    here.timers.fire()
    await settle()
    assert.equal(here.feed.status().state, 'unreachable')
    assert.equal(here.feed.status().pendingCount, 200)
    assert.ok(here.feed.status().appendFailures <= 2, 'one batch failed, the rest waited')
    log.isReachable = true
    here.timers.fire()
    await eventually('all were sent', () => here.feed.status().pendingCount === 0)
    there.timers.fire()
    await eventually('all were learnt', () => there.index.size === 200)
    assert.deepEqual(log.records[0], recordOf(0), 'oldest first')
  })

  it('sends again what was taken but reported as failed, which does no harm', async () => {
    const log = new UnreliableLog()
    log.losesAnswers = true
    const here = await started(log)
    here.feed.revoke(tokenEntryOf(1, UNTIL))
    await settle()
    assert.equal(here.feed.status().pendingCount, 1)
    log.losesAnswers = false
    here.timers.fire()
    await settle()
    assert.equal(here.feed.status().pendingCount, 0)
    assert.equal(here.index.size, 1)
    assert.equal((await started(log)).index.size, 1)
  })

  it('keeps looking at a log that may be read but not written', async () => {
    const log = new UnreliableLog()
    const rig = await started(log)
    log.isReadOnly = true
    rig.feed.revoke(tokenEntryOf(1, UNTIL))
    await settle()
    log.records.push(recordOf(2))
    rig.timers.fire()
    await settle()
    const { state, pendingCount, appendFailures } = rig.feed.status()
    assert.deepEqual([state, pendingCount, appendFailures], ['cannot_send', 1, 2])
    assert.equal(rig.isRevoked(2), true)
  })

  it('gives back to a log what it has lost', async () => {
    const log = new UnreliableLog()
    const rig = await started(log)
    rig.feed.revoke(tokenEntryOf(1, UNTIL))
    rig.feed.revoke(tokenEntryOf(2, UNTIL))
    await settle()
    log.lose()
    rig.timers.fire()
    await settle()
    assert.deepEqual(log.records, [recordOf(1), recordOf(2)])
    assert.equal(rig.losses, 1)
    assert.deepEqual(log.mending, [true, false])
  })

  it('gives back what others revoked, when they are not there to do it', async () => {
    const log = logOf(1, 2, 3, 4)
    const rig = await started(log)
    log.lose()
    rig.timers.fire()
    await settle()
    const expected = [1, 2, 3, 4].map(recordOf)
    assert.deepEqual(log.records.sort(), expected.sort())
    assert.equal((await started(log)).index.size, 4)
  })

  it('sends again only what the log has lost', async () => {
    const log = logOf(1, 2, 3)
    const rig = await started(log)
    log.lose()
    log.records.push(recordOf(2))
    rig.timers.fire()
    await settle()
    assert.deepEqual(log.records.sort(), [1, 2, 3].map(recordOf).sort())
  })

  it('goes on from where it was after a failure, and reads nothing twice', async () => {
    const log = logOf(1, 2, 3, 4, 5)
    const rig = await started(log)
    for (let failures = 0; failures < 3; failures += 1) {
      log.isReachable = false
      rig.timers.fire()
      await settle()
      log.isReachable = true
      rig.timers.fire()
      await settle()
    }
    log.records.push(recordOf(6))
    rig.timers.fire()
    await settle()
    assert.equal(rig.feed.status().recordsRead, 6)
    assert.equal(rig.losses, 0)
  })

  it('goes on in the middle of its first reading after a failure', async () => {
    const log = logOf(1, 2, 3, 4, 5, 6, 7)
    const rig = open(log)
    const readSet = log.readSet.bind(log)
    log.readSet = async (position) => (position > 3 ? null : readSet(position))
    rig.feed.start()
    await settle()
    assert.equal(rig.feed.status().recordsRead, 6)
    assert.equal(rig.feed.status().state, 'catching_up')
    log.readSet = readSet
    rig.timers.fire()
    await rig.feed.whenCaughtUp()
    assert.equal(rig.feed.status().recordsRead, 7)
    assert.equal(rig.index.size, 7)
  })

  it('is not caught up for the first time while others may know more than the log', async () => {
    const log = logOf(1)
    log.isWhole = false
    const rig = await started(log)
    assert.equal(await isCaughtUp(rig), false)
    assert.equal(rig.feed.status().state, 'catching_up')
    log.isWhole = true
    rig.timers.fire()
    assert.equal(await isCaughtUp(rig), true)
  })

  it('does not call itself caught up while the log takes nothing', async () => {
    const log = logOf(1)
    const rig = await started(log)
    log.isReadOnly = true
    rig.timers.fire()
    await settle()
    assert.equal(rig.feed.status().state, 'cannot_send')
    log.isReadOnly = false
    rig.timers.fire()
    await settle()
    assert.equal(rig.feed.status().state, 'caught_up')
  })

  it('says that a revocation was not sent when the log has not confirmed it in time', async () => {
    const log = new UnreliableLog()
    const rig = await started(log)
    for (const fault of ['isReadOnly', 'isHung'] as const) {
      log[fault] = true
      assert.equal(await rig.feed.revoke(tokenEntryOf(1, UNTIL)).isSent, false)
      log[fault] = false
    }
    assert.equal(rig.isRevoked(1), true)
  })

  it('sends what waits before it ends, or says how much it could not', async () => {
    const log = new UnreliableLog()
    const rig = await started(log)
    log.isReadOnly = true
    await rig.feed.revoke(tokenEntryOf(1, UNTIL)).isSent
    assert.equal(await rig.feed.flush(0), 1)
    log.isReadOnly = false
    assert.equal(await rig.feed.flush(1_000), 0)
    assert.deepEqual(log.records, [recordOf(1)])
  })

  it('skips and counts what is no record, and reads on', async () => {
    const log = logOf(1)
    log.records.push('garbage', '{"version":9}', recordOf(2))
    const rig = await started(log)
    assert.deepEqual([rig.isRevoked(1), rig.isRevoked(2)], [true, true])
    assert.equal(rig.feed.status().recordsUnreadable, 2)
    assert.equal(rig.feed.status().recordsRead, 4)
  })

  it('takes records in disorder and more than once', async () => {
    const log = logOf(0, 1, 2, 3, 4, 5, 6, 7)
    log.isReversed = true
    log.repeats = 2
    const rig = await started(log)
    assert.equal(rig.index.size, 8)
  })

  it('is not led in circles by a page that leads nowhere', async () => {
    const log = logOf(1)
    const readSince = log.readSince.bind(log)
    log.readSince = async (cursor) => {
      const page = await readSince(cursor)
      return page && { ...page, isEnd: false }
    }
    assert.equal(await isCaughtUp(await started(log)), true)
  })

  it('survives a log that rejects', async () => {
    const log = logOf(1)
    log.readSince = () => Promise.reject(new Error('broken'))
    log.readSet = () => Promise.reject(new Error('broken'))
    log.append = () => Promise.reject(new Error('broken'))
    const rig = await started(log)
    rig.feed.revoke(tokenEntryOf(2, UNTIL))
    await settle()
    const { state, appendFailures } = rig.feed.status()
    assert.deepEqual([state, appendFailures], ['unreachable', 1])
    assert.equal(rig.isRevoked(2), true)
  })

  it('says since when it may have missed something', async () => {
    const log = new UnreliableLog()
    const clock = new ManualClock()
    const rig = await started(log, clock)
    assert.equal(rig.feed.status().lagSeconds, 0)
    log.isReachable = false
    rig.timers.fire()
    await settle()
    clock.advanceMs(7_500)
    assert.equal(rig.feed.status().lagSeconds, 7)
  })

  it('does not send what has expired, and says so', async () => {
    const log = new UnreliableLog()
    const rig = await started(log)
    const receipt = rig.feed.revoke(tokenEntryOf(1, NOW))
    assert.equal(receipt.outcome, 'expired')
    assert.equal(await receipt.isSent, false)
    await settle()
    assert.deepEqual(log.records, [])
  })

  it('says when the index is full, and tries again what it left out', async () => {
    const log = new UnreliableLog()
    const clock = new ManualClock()
    const rig = await started(log, clock, { capacity: 3 })
    for (const number of [7, 8]) rig.index.add(tokenEntryOf(number, UNTIL), NOW)
    rig.index.add(tokenEntryOf(9, NOW + 5), NOW)
    const receipt = rig.feed.revoke(tokenEntryOf(4, UNTIL))
    assert.equal(receipt.outcome, 'full')
    assert.equal(await receipt.isSent, true, 'the others may have room')
    assert.equal(rig.feed.status().entriesLeftOut, 1)
    await settle()
    assert.deepEqual(log.records, [recordOf(4)], 'the others may have room')
    clock.advanceMs(RETRY_FULL_INDEX_MS)
    rig.timers.fire()
    await settle()
    assert.equal(rig.isRevoked(4), true)
    assert.equal(rig.feed.status().entriesLeftOut, 0)
  })

  it('does nothing more once it was stopped', async () => {
    const log = new UnreliableLog()
    const rig = await started(log)
    rig.feed.stop()
    assert.deepEqual(rig.timers.delaysMs, [])
    rig.feed.revoke(tokenEntryOf(1, UNTIL))
    await settle()
    assert.deepEqual(log.records, [])
    const { reads } = log
    const stoppedWhileReading = open(log)
    stoppedWhileReading.feed.start()
    stoppedWhileReading.feed.stop()
    await settle()
    assert.equal(log.reads, reads + 1)
    assert.deepEqual(stoppedWhileReading.timers.delaysMs, [])
  })
})
