/** `npm run performance -- soak` in short: each fault once, at a low rate. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type AnswerCount, GOOD, PHASES, timetable } from '../../loadtest/soak/phases.ts'
import { assertExplained, runSoak, type SoakOutcome } from '../../loadtest/soak/soak.ts'
import { slowness } from '../support/starvation.ts'

const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url))
/** A tenth of it are opaque tokens: each of a hundred is known after three seconds. */
const RATE = 400
const WARM_UP_SECONDS = 4
/** Less than any cycle needs: each stage is as short as it may be. */
const MINUTES = 0.01
/** However slow the machine is: the test must end in its time. */
const SLOWNESS_MAX = 2

const needsLinux = existsSync('/proc/self/status') ? false : 'memory is read from /proc'

function answersTo({ phases }: SoakOutcome, name: string): readonly AnswerCount[] {
  return [...(phases.find(({ phase }) => phase === name)?.answers.values() ?? [])]
}

function kindsWith(counts: readonly AnswerCount[], wanted: string): readonly string[] {
  return counts
    .filter(({ status }) => status === wanted)
    .map(({ kind }) => kind)
    .toSorted()
}

describe('a soak', { skip: needsLinux }, () => {
  it('sees every fault, and nothing that the faults do not explain', async () => {
    const found: AnswerCount[] = []
    const outcome = await runSoak({
      program: PROGRAM,
      stages: timetable(MINUTES).map(({ phase, seconds }) => ({
        phase,
        seconds: seconds * Math.min(slowness(), SLOWNESS_MAX),
      })),
      rate: RATE,
      cpuShare: null,
      warmUpSeconds: WARM_UP_SECONDS,
      onUnexplained: (_seconds, counts) => found.push(...counts),
    })
    assert.deepEqual(found, [])
    assertExplained(outcome)
    assert.deepEqual(
      outcome.phases.map(({ phase }) => phase),
      PHASES,
    )
    for (const phase of PHASES) {
      const good = kindsWith(answersTo(outcome, phase), GOOD)
      assert.ok(good.includes('jwt') && good.includes('opaque'), `${phase}: ${good.join()}`)
    }
    const providerAway = answersTo(outcome, 'provider away')
    assert.deepEqual(kindsWith(providerAway, '503'), ['newOpaque'])
    const good = kindsWith(providerAway, GOOD)
    for (const kind of ['jwt', 'opaque', 'session']) assert.ok(good.includes(kind), good.join())
    assert.deepEqual(kindsWith(answersTo(outcome, 'Redis away'), '503'), ['session'])
    assert.ok(outcome.memory.every(({ residentMiB }) => residentMiB > 10))
    assert.ok(outcome.memory.length >= PHASES.length && outcome.cpuMicros > 0)
  })
})
