import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  createKeyGenerationsBuffer,
  KeyGenerationAllocator,
  KeyGenerations,
  type KeyPlace,
  NO_KEY,
} from '../../src/shared-memory/key-generations.ts'

const KEYS_MAX = 5_000

function setUp() {
  const buffer = createKeyGenerationsBuffer(KEYS_MAX)
  return { keys: new KeyGenerations(buffer), allocator: new KeyGenerationAllocator(buffer) }
}

function allocated(allocator: KeyGenerationAllocator) {
  const place = allocator.allocate()
  assert.ok(place)
  return place
}

describe('key generations', () => {
  it('has a key alive from its allocation until it is killed, and never after', () => {
    const { keys, allocator } = setUp()
    const place = allocated(allocator)
    assert.equal(keys.isAlive(place.slot, place.generation), true)
    allocator.kill(place.slot)
    assert.equal(keys.isAlive(place.slot, place.generation), false)
  })

  it('never takes the next key in a slot for the one before', () => {
    const { keys, allocator } = setUp()
    const first = allocated(allocator)
    allocator.kill(first.slot)
    let again = allocated(allocator)
    while (again.slot !== first.slot) again = allocated(allocator)
    assert.equal(keys.isAlive(first.slot, first.generation), false)
    assert.equal(keys.isAlive(again.slot, again.generation), true)
  })

  it('gives no place when all are taken, and one again after a death', () => {
    const { allocator } = setUp()
    const taken = new Set<number>()
    for (let place = allocator.allocate(); place !== null; place = allocator.allocate()) {
      taken.add(place.slot)
    }
    assert.equal(taken.size, KEYS_MAX)
    allocator.kill(77)
    assert.equal(allocated(allocator).slot, 77)
  })

  it('lets every slot rest as long as possible, and never gives one to two keys', () => {
    const { keys, allocator } = setUp()
    const alive: KeyPlace[] = []
    const dead: KeyPlace[] = []
    let last = 0
    for (let step = 0; step < 4 * KEYS_MAX; step += 1) {
      const place = allocated(allocator)
      assert.equal(place.slot, (last % KEYS_MAX) + 1, 'the one that was free for longest')
      last = place.slot
      alive.push(place)
      if (alive.length < KEYS_MAX / 2) continue
      const [oldest] = alive.splice(0, 1)
      assert.ok(oldest)
      allocator.kill(oldest.slot)
      dead.push(oldest)
    }
    assert.equal(new Set(alive.map(({ slot }) => slot)).size, alive.length)
    assert.ok(alive.every(({ slot, generation }) => keys.isAlive(slot, generation)))
    assert.ok(!dead.some(({ slot, generation }) => keys.isAlive(slot, generation)))
  })

  it('has what rests on no key alive for ever, and gives its slot to no key', () => {
    const { keys, allocator } = setUp()
    assert.equal(keys.isAlive(NO_KEY.slot, NO_KEY.generation), true)
    assert.throws(() => allocator.kill(NO_KEY.slot), /Invariant/)
  })

  it('has no key alive at a slot that does not exist', () => {
    const { keys } = setUp()
    for (const slot of [-1, KEYS_MAX + 1, 2 ** 31, 0.5, Number.NaN]) {
      for (const generation of [0, 1]) assert.equal(keys.isAlive(slot, generation), false)
    }
  })

  it('has no key alive in a record of zeros but the one that is none', () => {
    const { keys } = setUp()
    for (let slot = 1; slot <= KEYS_MAX; slot += 1) assert.equal(keys.isAlive(slot, 0), false)
  })

  it('refuses to kill twice: the second would hit the next owner of the slot', () => {
    const { allocator } = setUp()
    const { slot } = allocated(allocator)
    allocator.kill(slot)
    assert.throws(() => allocator.kill(slot), /Invariant/)
  })
})
