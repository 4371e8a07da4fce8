import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ACCESS_FIELDS } from '../../src/observability/access-record.ts'
import type { LogLevel } from '../../src/observability/event-row.ts'
import type { LogStream } from '../../src/observability/log-buffer.ts'
import { LOG_EVENTS } from '../../src/observability/log-event.ts'
import { Logger, SECURITY_EVENTS_PER_SECOND_MAX } from '../../src/observability/logger.ts'
import { ACCESS_RECORD } from '../support/access-record.ts'

function createRecorder(level: LogLevel, thread: number | null = null) {
  const lines: string[] = []
  const clock = { nowMs: 0, wallMs: () => 1_700_000_000_000, monotonicMs: () => clock.nowMs }
  const sink = { append: (_stream: LogStream, line: string) => void lines.push(line) }
  const logger = new Logger({ level, thread, sink, alerts: null }, clock)
  const parsed = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  return { logger, lines, parsed, clock }
}

describe('Log lines', () => {
  it('are one JSON object a line, with level, time and stream', () => {
    const { logger, lines, parsed } = createRecorder('info', 2)
    logger.log({ event: 'listening', host: '127.0.0.1', port: 8080 })
    assert.ok(lines[0]?.endsWith('}\n'))
    assert.deepEqual(parsed(), [
      {
        level: 'info',
        time: '2023-11-14T22:13:20.000Z',
        stream: 'operations',
        thread: 2,
        event: 'listening',
        host: '127.0.0.1',
        port: 8080,
      },
    ])
  })

  it('are left out below the chosen level', () => {
    const { logger, lines } = createRecorder('warn')
    logger.log({ event: 'ready' })
    logger.log({ event: 'not_ready', status: 'waiting_for_keys', waitingForIssuers: ['main'] })
    assert.equal(lines.length, 1)
    assert.equal(LOG_EVENTS.not_ready.level, 'warn')
  })

  it('never carry a credential, even where a text from outside slipped in', () => {
    const { logger, lines } = createRecorder('debug')
    const token = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl'
    logger.log({ event: 'jwks_disk_copy_failed', issuer: 'main', reason: `got ${token}` })
    logger.log({
      event: 'not_ready',
      status: 'waiting_for_keys',
      waitingForIssuers: [`Bearer ${token}`],
    })
    assert.equal(lines.length, 2)
    for (const line of lines) assert.ok(!line.includes('eyJ'), line)
  })

  it('cannot be split by a line feed', () => {
    const { logger, lines } = createRecorder('debug')
    logger.log({ event: 'jwks_disk_copy_failed', issuer: 'main', reason: 'a\n{"forged":1}' })
    assert.equal(lines.join('').trimEnd().split('\n').length, 1)
  })
})

describe('Security events', () => {
  it('go to a stream of their own, whatever the level', () => {
    const { logger, parsed } = createRecorder('error')
    logger.security({ event: 'stale_keys_in_use', issuer: 'main' })
    assert.equal(parsed()[0]?.['stream'], 'security')
    assert.equal(parsed()[0]?.['level'], 'warn')
  })

  it('are bounded in rate, and what was left out is counted', () => {
    const { logger, parsed, clock } = createRecorder('info')
    const event = { event: 'key_removed', issuer: 'main', keyId: 'k1' } as const
    for (let count = 0; count < SECURITY_EVENTS_PER_SECOND_MAX + 5; count += 1) {
      logger.security(event)
    }
    logger.security({ event: 'keys_expired', issuer: 'main' })
    assert.equal(parsed().length, SECURITY_EVENTS_PER_SECOND_MAX + 1)
    clock.nowMs = 1_000
    logger.security(event)
    assert.equal(parsed().at(-1)?.['suppressed'], 5)
  })
})

describe('Access lines', () => {
  it('hold the fields that the manual names, and no other', () => {
    const { logger, parsed } = createRecorder('error', 0)
    logger.access(ACCESS_RECORD)
    assert.deepEqual(parsed(), [
      {
        level: 'info',
        time: '2023-11-14T22:13:20.000Z',
        stream: 'access',
        thread: 0,
        ...ACCESS_RECORD,
      },
    ])
    assert.deepEqual(Object.keys(ACCESS_RECORD), Object.keys(ACCESS_FIELDS))
  })
})
