/** Keys that every instance derives for itself, also of a secret that is not the one that signs. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openSigningKeys } from '../../src/identity/signing-keys.ts'
import { ManualClock } from '../support/manual-clock.ts'
import {
  DAY_MS,
  names,
  OVERLAP,
  open,
  refusal,
  SECRET,
  secretSource,
  signer,
} from '../support/signing-key-rig.ts'

describe('keys that are derived from a secret', () => {
  it('are the same for all who know the secret, at any start', async () => {
    const clock = new ManualClock()
    const early = await open(SECRET, clock)
    await early.pass(5 * DAY_MS + 12_345)
    const late = await open(SECRET, clock)
    assert.deepEqual(late.keys.snapshot(), early.keys.snapshot())
    const stranger = await open(secretSource(Buffer.alloc(32, 8)), clock)
    assert.notEqual(signer(stranger.keys), signer(late.keys))
  })

  it('change at the same instant everywhere: whole rotations since 1970', async () => {
    const { keys, pass } = await open(SECRET, new ManualClock(20_000 * DAY_MS + DAY_MS / 2))
    const first = signer(keys)
    assert.deepEqual(names(keys), [first])
    await pass(DAY_MS / 2 - OVERLAP.aheadMs)
    assert.equal(names(keys).length, 2)
    await pass(OVERLAP.aheadMs - 1)
    assert.equal(signer(keys), first)
    await pass(1)
    assert.notEqual(signer(keys), first)
    assert.equal(names(keys)[1], first)
    await pass(OVERLAP.behindMs - 1)
    assert.equal(names(keys).length, 2)
    await pass(1)
    assert.deepEqual(names(keys), [signer(keys)])
  })

  it('of another secret, algorithm or rotation are published beside them and do not sign', async () => {
    const clock = new ManualClock()
    const own = { algorithm: 'ES256', keyRotationMs: DAY_MS, secret: Buffer.alloc(32, 7) } as const
    for (const other of [
      { ...own, secret: Buffer.alloc(32, 8) },
      { ...own, algorithm: 'EdDSA' },
      { ...own, keyRotationMs: DAY_MS / 2 },
    ] as const) {
      const last = await open(SECRET, clock)
      const { algorithm, keyRotationMs } = other
      const opened = await openSigningKeys(
        { algorithm, keyRotationMs, overlap: OVERLAP, source: secretSource(other.secret, [own]) },
        { clock, onSnapshot: () => {}, onEvent: () => {} },
      )
      assert.ok(opened.ok)
      const next = opened.signingKeys
      const prepared = await open(secretSource(own.secret, [other]), clock)
      assert.notEqual(signer(next), signer(last.keys))
      assert.equal(signer(prepared.keys), signer(last.keys))
      // Each step publishes what the one before it and the one behind it sign with.
      assert.ok(names(prepared.keys).includes(signer(next)))
      assert.ok(names(next).includes(signer(last.keys)))
      await last.pass(DAY_MS)
      await next.tick()
      assert.ok(names(next).includes(signer(last.keys)), 'also after a rotation')
    }
  })

  it('right themselves when the clock is set back', async () => {
    const { keys, pass } = await open(SECRET)
    const before = keys.snapshot()
    await pass(2 * DAY_MS)
    await pass(-2 * DAY_MS)
    assert.deepEqual(keys.snapshot(), before)
  })

  it('are not derived from a secret that can be guessed', async () => {
    assert.equal(await refusal(secretSource(Buffer.alloc(31, 7))), 'secret_too_short')
  })
})
