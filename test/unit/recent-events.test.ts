import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLogBufferMemory, LogBuffer } from '../../src/observability/log-buffer.ts'
import { Logger } from '../../src/observability/logger.ts'
import { RecentEvents } from '../../src/supervisor/recent-events.ts'
import { ACCESS_RECORD } from '../support/access-record.ts'

const CLOCK = { wallMs: () => 1_767_225_600_000, monotonicMs: () => 0 }

function open() {
  const sink = new LogBuffer(createLogBufferMemory(262_144), () => {})
  const logger = new Logger({ level: 'info', thread: 3, sink, alerts: null }, CLOCK)
  const events = new RecentEvents()
  const source = events.watch(sink)
  const target = Buffer.alloc(65_536)
  const takeAll = () => {
    let text = ''
    for (let bytes = source.take(target); bytes > 0; bytes = source.take(target)) {
      text += target.toString('utf8', 0, bytes)
    }
    return text
  }
  return { logger, events, takeAll }
}

describe('recent events', () => {
  it('are the lines of the log but for the access log, in their order', () => {
    const { logger, events, takeAll } = open()
    logger.access(ACCESS_RECORD)
    logger.log({ event: 'ready' })
    logger.access({ ...ACCESS_RECORD, requestId: '"stream":"security"' })
    logger.security({ event: 'keys_expired', issuer: 'main' })
    logger.log({ event: 'draining' })
    takeAll()
    const kept = events.since(0)
    assert.deepEqual(
      kept.map(({ event }) => event),
      ['ready', 'keys_expired', 'draining'],
    )
    assert.deepEqual(kept[1], {
      id: 2,
      time: '2026-01-01T00:00:00.000Z',
      level: 'error',
      stream: 'security',
      event: 'keys_expired',
      fields: { thread: 3, issuer: 'main', suppressed: 0 },
    })
    assert.deepEqual(
      events.since(2).map(({ event }) => event),
      ['draining'],
    )
  })

  it('change nothing of what is written', () => {
    const { logger, takeAll } = open()
    logger.access(ACCESS_RECORD)
    logger.log({ event: 'ready' })
    assert.equal(takeAll().trim().split('\n').length, 2)
  })

  it('are the last 200', () => {
    const { logger, events, takeAll } = open()
    for (let port = 1; port <= 450; port += 1) {
      logger.log({ event: 'admin_listening', host: '127.0.0.1', port })
    }
    takeAll()
    const kept = events.since(0)
    assert.deepEqual([kept.length, kept[0]?.id, kept.at(-1)?.id], [200, 251, 450])
  })
})
