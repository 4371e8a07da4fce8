import assert from 'node:assert/strict'
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { CLOCK_SKEW_MS_MAX, type KeyOverlap, keyOverlap } from '../../src/identity/key-overlap.ts'
import { generateSigningKey } from '../../src/identity/signing-key.ts'
import type { SigningKeySource, SigningKeysOptions } from '../../src/identity/signing-keys.ts'
import {
  Fleet,
  type FleetReport,
  TTL_SECONDS,
  UPSTREAM_TOLERANCE_SECONDS,
} from '../support/rotation-rig.ts'

const MINUTE_MS = 60_000
const UPSTREAM_CACHE_MS = 10 * MINUTE_MS
/** The least in which one overlap ends before the next one begins. */
const ROTATION_MS = 20 * MINUTE_MS
const SECRET: SigningKeySource = {
  kind: 'secret',
  secret: Buffer.alloc(32, 'a shared secret'),
  published: [],
}
const GENERATED: SigningKeySource = { kind: 'generated' }
const SKEWED = [CLOCK_SKEW_MS_MAX, -CLOCK_SKEW_MS_MAX]
const NO_MATCHING_KEY = 'ERR_JWKS_NO_MATCHING_KEY'

function overlapOf(keyRotationMs: number): KeyOverlap {
  return keyOverlap({
    keyRotationMs,
    tokenTtlSeconds: TTL_SECONDS,
    upstreamToleranceSeconds: UPSTREAM_TOLERANCE_SECONDS,
    upstreamCacheMs: UPSTREAM_CACHE_MS,
  })
}

function keys(
  source: SigningKeySource,
  members: Partial<SigningKeysOptions> = {},
): SigningKeysOptions {
  const keyRotationMs = members.keyRotationMs ?? ROTATION_MS
  const overlap = overlapOf(keyRotationMs)
  return { algorithm: 'ES256', keyRotationMs, overlap, source, ...members }
}

/** Four rotations, and a little more. */
function run(options: SigningKeysOptions, skewsMs: readonly number[], seed: number) {
  const durationMs = 4.5 * options.keyRotationMs
  return new Fleet({ keys: options, skewsMs, durationMs, seed }).run()
}

function assertSeamless(report: FleetReport, keysUsedMin: number): void {
  assert.deepEqual(report.refused, [])
  assert.ok(report.verified > 1_000, `only ${report.verified} tokens were verified`)
  assert.ok(report.keysUsed >= keysUsedMin, `only ${report.keysUsed} keys were used`)
}

function assertRefused(report: FleetReport): void {
  assert.ok(report.refused.length > 0, 'no token was refused')
  for (const code of report.refused) assert.equal(code, NO_MATCHING_KEY)
}

describe('a rotation, seen by upstreams that cache the JWK Set for as long as they may', () => {
  for (const algorithm of ['ES256', 'EdDSA'] as const) {
    it(`refuses no token of one instance with ${algorithm} keys of its own`, async () => {
      assertSeamless(await run(keys(GENERATED, { algorithm }), [0], 1), 5)
    })

    it(`refuses no ${algorithm} token of two instances with one secret and two clocks`, async () => {
      const report = await run(keys(SECRET, { algorithm }), SKEWED, 2)
      assertSeamless(report, 5)
      assert.equal(report.keysPublishedMax, 2)
    })
  }

  it('refuses no token even if keys rotate faster than tokens die', async () => {
    const often = { keyRotationMs: 5 * MINUTE_MS }
    assertSeamless(await run(keys(GENERATED, often), [0], 3), 4)
    const report = await run(keys(SECRET, often), SKEWED, 4)
    assertSeamless(report, 5)
    assert.ok(report.keysPublishedMax <= 6, `${report.keysPublishedMax} keys at once`)
  })
})

describe('without the overlap', () => {
  const usual = overlapOf(ROTATION_MS)

  it('a key that signs as soon as it is published is unknown to upstreams', async () => {
    const overlap = { ...usual, aheadMs: 0 }
    assertRefused(await run(keys(GENERATED, { overlap }), [0], 6))
    assertRefused(await run(keys(SECRET, { overlap }), SKEWED, 7))
  })

  it('a key that is withdrawn when it has signed leaves tokens that cannot be verified', async () => {
    const overlap = { ...usual, behindMs: 0 }
    assertRefused(await run(keys(GENERATED, { overlap }), [0], 8))
    assertRefused(await run(keys(SECRET, { overlap }), SKEWED, 9))
  })

  it('room for the caches of upstreams alone does not do for clocks that differ', async () => {
    const overlap = { ...usual, aheadMs: usual.upstreamCacheSeconds * 1_000 }
    assertRefused(await run(keys(SECRET, { overlap }), SKEWED, 10))
  })

  it('instances with keys of their own refuse the tokens of each other', async () => {
    assertRefused(await run(keys(GENERATED), [0, 0], 11))
  })
})

describe('keys in files', () => {
  const directories: string[] = []
  after(async () => {
    for (const directory of directories) await rm(directory, { recursive: true })
  })

  it('rotate without a refused token when a file is added and the old one removed later', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sallyport-keys-'))
    directories.push(directory)
    const write = (name: string) =>
      writeFile(join(directory, name), generateSigningKey('ES256').privateKeyPem, { mode: 0o600 })
    await write('2026-01.pem')
    await utimes(join(directory, '2026-01.pem'), 0, 0)

    const plan = [
      { atMs: 5 * MINUTE_MS, act: () => write('2026-02.pem') },
      { atMs: 22 * MINUTE_MS, act: () => rm(join(directory, '2026-01.pem')) },
      // Replaced in place, as a tool does that knows of no overlap.
      { atMs: 35 * MINUTE_MS, act: () => write('2026-02.pem') },
    ]
    const report = await new Fleet({
      keys: keys({ kind: 'files', path: directory }),
      skewsMs: [0, 0],
      durationMs: 60 * MINUTE_MS,
      seed: 12,
      onStep: async (elapsedMs) => {
        while (plan[0] !== undefined && plan[0].atMs <= elapsedMs) await plan.shift()?.act()
      },
    }).run()
    assertSeamless(report, 3)
    assert.equal(report.keysUsed, 3)
  })
})
