import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { growthAnHour } from '../../loadtest/soak/memory-samples.ts'
import {
  type AnswerCount,
  PHASES,
  type Phase,
  type RequestKind,
  timetable,
  unexplained,
} from '../../loadtest/soak/phases.ts'
import { assertExplained } from '../../loadtest/soak/soak.ts'

const KINDS: readonly RequestKind[] = ['jwt', 'opaque', 'newOpaque', 'session']
const STATUSES = ['200', '401', '403', '429', '500', '502', '503', '504', 'lost']

function answer(phase: Phase, kind: RequestKind, status: string, count = 1): AnswerCount {
  return { phase, kind, status, count }
}

function outcomeOf(...answers: readonly AnswerCount[]) {
  return {
    phases: answers.map((one) => ({
      phase: one.phase,
      seconds: 1,
      answers: new Map([[`${one.kind} ${one.status}`, one]]),
      latency: { p50Ms: 1, p99Ms: 1, worstMs: 1, clientPauseMs: 1 },
    })),
  }
}

describe('What the faults of a soak explain', () => {
  it('is 503 to new opaque tokens without the provider, and to sessions without Redis', () => {
    const all = PHASES.flatMap((phase) =>
      KINDS.flatMap((kind) => STATUSES.map((status) => answer(phase, kind, status))),
    )
    const unexplainedOnes = new Set(unexplained(all))
    const explained = all.filter((one) => one.status !== '200' && !unexplainedOnes.has(one))
    assert.deepEqual(
      explained.map(({ phase, kind, status }) => `${phase}: ${kind} ${status}`),
      [
        'provider away: newOpaque 503',
        'provider back: newOpaque 503',
        'Redis away: session 503',
        'Redis back: session 503',
      ],
    )
  })

  it('makes a soak fail that met anything else, and tells what', () => {
    assertExplained(outcomeOf(answer('calm', 'jwt', '200'), answer('Redis away', 'session', '503')))
    assert.throws(
      () => {
        assertExplained(
          outcomeOf(
            answer('calm', 'jwt', '502', 3),
            answer('provider away', 'newOpaque', '503'),
            answer('reload', 'session', 'lost'),
          ),
        )
      },
      { message: /^4 answers .*: 3 × 502 to jwt \(calm\), 1 × lost to session \(reload\)\.$/ },
    )
  })
})

describe('The timetable of a soak', () => {
  const lengthOf = (minutes: number) =>
    timetable(minutes).reduce((sum, { seconds }) => sum + seconds, 0) / 60

  it('lasts as long as was asked for, in cycles of five minutes and more', () => {
    for (const minutes of [5, 7, 10, 30]) {
      assert.ok(Math.abs(lengthOf(minutes) - minutes) < 1e-9, String(minutes))
    }
    const rotations = timetable(30).filter(({ phase }) => phase === 'keys rotated')
    assert.equal(rotations.length, 6)
  })

  it('has each fault in the shortest as well, for long enough to be noticed', () => {
    const phases = new Set(timetable(0.001).map(({ phase }) => phase))
    assert.deepEqual([...phases].toSorted(), PHASES.toSorted())
    assert.ok(lengthOf(0.001) * 60 >= 15)
  })
})

describe('The growth of memory', () => {
  const samples = (miBAt: (seconds: number) => number) =>
    Array.from({ length: 21 }, (_, index) => ({
      seconds: index * 60,
      residentMiB: miBAt(index * 60),
    }))

  it('is the slope of the second half, whatever was before', () => {
    const growth = growthAnHour(
      samples((seconds) => (seconds < 600 ? seconds : 600 + seconds / 60)),
    )
    assert.ok(Math.abs(growth - 60) < 1e-6, String(growth))
  })

  it('is none where memory only swings', () => {
    assert.ok(Math.abs(growthAnHour(samples((seconds) => 200 + (seconds % 120)))) < 30)
  })
})
