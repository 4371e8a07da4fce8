import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { REFUSAL_REASON_NAMES } from '../../src/protocol/refusal-reason.ts'
import {
  createKeyGenerationsBuffer,
  KeyGenerationAllocator,
  KeyGenerations,
} from '../../src/shared-memory/key-generations.ts'
import {
  createRefusalCacheBuffer,
  LASTING_CAUSE,
  RefusalCache,
} from '../../src/token-cache/refusal-cache.ts'
import { digestOf } from '../support/self-describing-verdict.ts'

const NOW = 1_700_000_000
const TTL_SECONDS = 10

function setUp(sizeBytes = 64 * 1_024) {
  const keyBuffer = createKeyGenerationsBuffer(4_095)
  const keys = new KeyGenerations(keyBuffer)
  const buffer = createRefusalCacheBuffer(sizeBytes)
  const open = () => new RefusalCache({ buffer, keys, ttlSeconds: TTL_SECONDS })
  return { open, cache: open(), allocator: new KeyGenerationAllocator(keyBuffer) }
}

describe('refusal cache', () => {
  it('tells every thread why a credential was refused, for every reason there is', () => {
    const { cache, open } = setUp()
    for (const [subject, reason] of REFUSAL_REASON_NAMES.entries()) {
      assert.equal(cache.put(digestOf(subject), reason, LASTING_CAUSE, NOW), true)
    }
    const other = open()
    for (const [subject, reason] of REFUSAL_REASON_NAMES.entries()) {
      assert.equal(other.get(digestOf(subject), NOW), reason)
    }
  })

  it('forgets a refusal after its time', () => {
    const { cache } = setUp()
    cache.put(digestOf(1), 'signature_invalid', LASTING_CAUSE, NOW)
    assert.equal(cache.get(digestOf(1), NOW + TTL_SECONDS - 1), 'signature_invalid')
    assert.equal(cache.get(digestOf(1), NOW + TTL_SECONDS), null)
  })

  it('refuses a token that is not yet valid no longer than that is so', () => {
    const { cache } = setUp()
    const cause = { endsAtSeconds: NOW + 3, place: null, ttlSeconds: null }
    cache.put(digestOf(1), 'token_not_yet_valid', cause, NOW)
    assert.equal(cache.get(digestOf(1), NOW + 2), 'token_not_yet_valid')
    assert.equal(cache.get(digestOf(1), NOW + 3), null)
  })

  it('does not prolong its time for a cause that lasts longer', () => {
    const { cache } = setUp()
    cache.put(
      digestOf(1),
      'token_not_yet_valid',
      { ...LASTING_CAUSE, endsAtSeconds: NOW + 99 },
      NOW,
    )
    assert.equal(cache.get(digestOf(1), NOW + TTL_SECONDS), null)
  })

  it('remembers for another time than usual where the cause has one', () => {
    const { cache } = setUp()
    cache.put(digestOf(1), 'token_inactive', { ...LASTING_CAUSE, ttlSeconds: 30 }, NOW)
    cache.put(digestOf(2), 'token_inactive', { ...LASTING_CAUSE, ttlSeconds: 2 }, NOW)
    assert.equal(cache.get(digestOf(1), NOW + 29), 'token_inactive')
    assert.equal(cache.get(digestOf(1), NOW + 30), null)
    assert.equal(cache.get(digestOf(2), NOW + 2), null)
  })

  it('refuses for an unknown kid only until the key set changes', () => {
    const { cache, allocator } = setUp()
    const place = allocator.allocate()
    assert.ok(place)
    cache.put(digestOf(1), 'key_unknown', { ...LASTING_CAUSE, place }, NOW)
    assert.equal(cache.get(digestOf(1), NOW), 'key_unknown')
    allocator.kill(place.slot)
    assert.equal(cache.get(digestOf(1), NOW), null)
  })

  it('stays within its memory under a flood, and never answers with another refusal', () => {
    const { cache, open } = setUp(0)
    for (let subject = 0; subject < 1_000; subject += 1) {
      const reason = subject % 2 === 0 ? 'signature_invalid' : 'audience_mismatch'
      assert.equal(cache.put(digestOf(subject), reason, LASTING_CAUSE, NOW), true)
    }
    const reader = open()
    let kept = 0
    for (let subject = 0; subject < 1_000; subject += 1) {
      const reason = reader.get(digestOf(subject), NOW)
      if (reason === null) continue
      kept += 1
      assert.equal(reason, subject % 2 === 0 ? 'signature_invalid' : 'audience_mismatch')
    }
    assert.equal(kept, 16)
    assert.equal(cache.counters.evictions, 1_000 - 16)
  })
})
