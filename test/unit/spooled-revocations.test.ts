/** Revocations of an earlier process that this one takes over. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
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

let directory: string
let rig: FeedRig | null = null
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-spool-'))
})
afterEach(() => {
  rig?.feed.stop()
  rmSync(directory, { recursive: true, force: true })
})

async function restored(capacity: number) {
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
  await spooled.restore()
  rig.feed.start()
  await eventually('sent', async () => {
    rig?.timers.fire()
    await settle()
    return rig?.feed.status().pendingCount === 0
  })
  return { spooled, text: () => lines.join('') }
}

describe('revocations that an earlier process has left on disk', () => {
  it('are removed there when the log has them all', async () => {
    const { spooled, text } = await restored(300)
    spooled.forgetSent()
    await eventually('removed', () => readdirSync(directory).length === 0)
    assert.match(text(), /"event":"revocations_restored","count":100/)
    assert.doesNotMatch(text(), /revocation_spool_refused/)
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
