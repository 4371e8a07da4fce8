/** Revocations of an earlier process that this one takes over. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Logger } from '../../src/observability/logger.ts'
import { encodeRevocationRecord } from '../../src/revocation/revocation-record.ts'
import { RevocationSpool } from '../../src/revocation/revocation-spool.ts'
import { SpooledRevocations } from '../../src/supervisor/spooled-revocations.ts'
import { eventually } from '../support/eventually.ts'
import { FeedRig, settle } from '../support/feed-rig.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { tokenEntryOf } from '../support/revocations.ts'
import { UnreliableLog } from '../support/unreliable-log.ts'

const COUNT = 100
/** More than the threads of Node that wait for the disk. */
const PIPES = 16

let directory: string
let rig: FeedRig | null = null
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-spool-'))
})
afterEach(() => {
  rig?.feed.stop()
  rmSync(directory, { recursive: true, force: true })
})

/**
 * Nothing is read from any disk until it is ended: each thread of Node that reads waits for the
 * other end of a pipe.
 */
function stallDisk(): () => Promise<void> {
  const paths = Array.from({ length: PIPES }, (_, place) => join(directory, `pipe-${place}`))
  execFileSync('mkfifo', paths)
  const reading = paths.map((path) => open(path, 'r'))
  return async () => {
    const ends = paths.map((path) => openSync(path, constants.O_RDWR | constants.O_NONBLOCK))
    for (const file of await Promise.all(reading)) await file.close()
    for (const end of ends) closeSync(end)
    for (const path of paths) rmSync(path)
  }
}

async function restored(capacity: number) {
  const { spooled, text } = await started(capacity)
  await spooled.restore()
  await everythingSent()
  return { spooled, text }
}

async function everythingSent(): Promise<void> {
  rig?.feed.start()
  await eventually('sent', async () => {
    rig?.timers.fire()
    await settle()
    return rig?.feed.status().pendingCount === 0
  })
}

/** With what an earlier process has left, which is not restored yet. */
async function started(capacity: number) {
  const clock = new ManualClock()
  const untilSeconds = clock.nowSeconds() + 3_600
  const records = Array.from({ length: COUNT }, (_, number) =>
    encodeRevocationRecord(tokenEntryOf(number, untilSeconds)),
  )
  await new RevocationSpool(directory).save(records)
  const log = new UnreliableLog()
  rig = new FeedRig(log, clock, { capacity })
  const lines: string[] = []
  const sink = { append: (_stream: unknown, line: string) => void lines.push(line) }
  const logger = new Logger({ level: 'error', thread: null, sink, alerts: null }, clock)
  const spooled = new SpooledRevocations(directory, rig.feed, clock, logger)
  return { spooled, index: rig.index, text: () => lines.join('') }
}

describe('revocations that an earlier process has left on disk', () => {
  it('are removed there when the log has them all', async () => {
    const { spooled, text } = await restored(300)
    spooled.forgetSent()
    await eventually('removed', () => readdirSync(directory).length === 0)
    assert.match(text(), /"event":"revocations_restored","count":100/)
    assert.doesNotMatch(text(), /revocation_spool_refused/)
  })

  it('are in force as soon as a slow disk gives them, and hold up no start', async () => {
    const { spooled, index, text } = await started(300)
    const endStall = stallDisk()
    try {
      await spooled.restore()
      assert.match(text(), /"event":"revocation_spool_refused","reason":"unreadable"/)
      assert.equal(index.size, 0)
    } finally {
      await endStall()
    }
    await eventually('in force', () => index.size === COUNT)
    assert.match(text(), /"event":"revocations_restored","count":100/)
    await everythingSent()
    spooled.forgetSent()
    // Nothing tells that a file is not going to be removed.
    await settle()
    assert.equal(readdirSync(directory).length, 1, 'for the next start')
  })

  it('stay there when a slow disk gives them after the end', async () => {
    const { spooled, index } = await started(300)
    const endStall = stallDisk()
    try {
      await spooled.restore()
      assert.equal(await spooled.keep(0), 0)
    } finally {
      await endStall()
    }
    // Done later than what began before.
    const { entries } = await new RevocationSpool(directory).load(new ManualClock().nowSeconds())
    assert.equal(entries.length, COUNT)
    await settle()
    assert.equal(index.size, 0)
    assert.equal(readdirSync(directory).length, 1)
  })

  it('stay there, and are told, when there is no room for one of them', async () => {
    const { spooled, text } = await restored(4)
    spooled.forgetSent()
    // Nothing tells that a file is not going to be removed.
    await settle()
    assert.equal(readdirSync(directory).length, 1)
    assert.match(text(), /"event":"revocation_spool_refused","reason":"no_room"/)
    assert.equal(await spooled.keep(0), 0)
    assert.equal(readdirSync(directory).length, 1)
  })
})
