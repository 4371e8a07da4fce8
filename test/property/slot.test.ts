/** Two writers and a reader of one slot, interleaved word by word, without any lock in between. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  entryWordsFor,
  mapTable,
  slotWordAt,
  tableSizeBytes,
} from '../../src/token-cache/layout.ts'
import {
  beginEntry,
  createEntryCopy,
  draftEntry,
  type EntryCopy,
  invalidateEntry,
  publishEntry,
  READ_FOUND,
  readEntry,
  storeEntry,
} from '../../src/token-cache/slot.ts'

const SLOT_BYTES = 128
const PAYLOAD_BYTES_MAX = 16 * 64
const WAY = 3
const TABLE_HEADER_WORDS = 16

function emptySlot() {
  const memory = mapTable(new SharedArrayBuffer(tableSizeBytes(1, SLOT_BYTES)), SLOT_BYTES)
  return { memory, slotWord: slotWordAt(memory, TABLE_HEADER_WORDS, WAY) }
}

interface Entry {
  readonly digest: Int32Array
  readonly copy: EntryCopy
  readonly payload: Buffer
}

/** An entry all of whose bytes follow from `seed`. */
function entryOf(seed: number, payloadLengthBytes: number): Entry {
  const copy = createEntryCopy(PAYLOAD_BYTES_MAX)
  copy.payload.fill(seed, 0, payloadLengthBytes)
  const digest = new Int32Array(8).fill(seed * 0x0101_0101)
  const fields = { deadAtSeconds: seed, keySlot: seed, keyGeneration: seed, note: seed }
  draftEntry(copy, digest, { ...fields, payloadLengthBytes })
  return { digest, copy, payload: Buffer.alloc(payloadLengthBytes, seed) }
}

/** Reads for every digest in play; fails unless each answer is nothing or exactly that entry. */
function assertNothingMixed(slot: ReturnType<typeof emptySlot>, entries: readonly Entry[]): number {
  let found = 0
  for (const { digest, payload, copy } of entries) {
    const read = createEntryCopy(PAYLOAD_BYTES_MAX)
    if (readEntry(slot.memory, slot.slotWord, WAY, digest, read) !== READ_FOUND) continue
    found += 1
    const end = entryWordsFor(payload.length)
    assert.deepEqual(read.words.slice(3, end), copy.words.slice(3, end))
    assert.deepEqual(read.payload.subarray(0, payload.length), payload)
  }
  return found
}

function write({ memory, slotWord }: ReturnType<typeof emptySlot>, { copy, payload }: Entry) {
  assert.ok(beginEntry(memory, slotWord, copy))
  storeEntry(memory, slotWord, copy, 1, entryWordsFor(payload.length))
  return publishEntry(memory, slotWord, copy)
}

/** A writer that does one step a call: begin, each word, publish. */
function* stepsOf(slot: ReturnType<typeof emptySlot>, { copy, payload }: Entry) {
  if (!beginEntry(slot.memory, slot.slotWord, copy)) return
  for (let word = 1; word < entryWordsFor(payload.length); word += 1) {
    yield
    storeEntry(slot.memory, slot.slotWord, copy, word, word + 1)
  }
  yield
  publishEntry(slot.memory, slot.slotWord, copy)
}

const LENGTHS = [0, 1, 40, 64, 65, 128, 129, 300]

describe('slot', () => {
  it('gives back an entry of any length that was written in peace', () => {
    for (let length = 0; length <= 400; length += 1) {
      const slot = emptySlot()
      const entry = entryOf(7, length)
      assert.ok(write(slot, entry))
      assert.equal(assertNothingMixed(slot, [entry]), 1)
    }
  })

  it('shows nothing of an entry before it is published, at whatever word its writer dies', () => {
    for (const length of LENGTHS) {
      const slot = emptySlot()
      const old = entryOf(1, length)
      write(slot, old)
      const dying = entryOf(2, length)
      for (const _step of stepsOf(slot, dying)) {
        assert.equal(assertNothingMixed(slot, [old, dying]), 0)
      }
      assert.equal(assertNothingMixed(slot, [old, dying]), 1)
    }
  })

  it('is found only by its own digest: one that differs in any one bit finds nothing', () => {
    const slot = emptySlot()
    const entry = entryOf(1, 40)
    write(slot, entry)
    for (let bit = 0; bit < 256; bit += 1) {
      const digest = entry.digest.slice()
      digest[bit >> 5] = (digest[bit >> 5] as number) ^ (1 << (bit & 31))
      assert.equal(assertNothingMixed(slot, [{ ...entry, digest }]), 0, `bit ${bit}`)
    }
  })

  it('cannot be made to take what a claim says for an entry', () => {
    const slot = emptySlot()
    const forged = entryOf(1, 0)
    assert.ok(beginEntry(slot.memory, slot.slotWord + slot.memory.slotWords, forged.copy))
    // Large enough to run over the next way, and full of bytes that would be an entry there.
    const carrier = entryOf(2, 300)
    for (let word = 0; word < 64; word += 1) {
      carrier.copy.words[16 + word] = forged.copy.words[word % 16] as number
    }
    assert.ok(write(slot, carrier))
    const read = createEntryCopy(PAYLOAD_BYTES_MAX)
    for (let way = 0; way < 16; way += 1) {
      const slotWord = slotWordAt(slot.memory, TABLE_HEADER_WORDS, way)
      const outcome = readEntry(slot.memory, slotWord, way, forged.digest, read)
      assert.notEqual(outcome, READ_FOUND)
      const at = slotWord + 1
      if (way !== WAY) assert.ok(slot.memory.words.slice(at, at + 15).every((word) => word === 0))
    }
  })

  it('is written again after its writer died', () => {
    const slot = emptySlot()
    stepsOf(slot, entryOf(1, 300)).next()
    const next = entryOf(2, 40)
    assert.ok(write(slot, next))
    assert.equal(assertNothingMixed(slot, [next]), 1)
  })

  it('lets a slow writer, overtaken and then awake again, publish nothing mixed', () => {
    for (const length of LENGTHS) {
      for (let stop = 1; stop < entryWordsFor(length) + 2; stop += 1) {
        const slot = emptySlot()
        const slow = entryOf(1, length)
        const quick = entryOf(2, 40)
        const steps = stepsOf(slot, slow)
        for (let step = 0; step < stop; step += 1) steps.next()
        assert.ok(write(slot, quick))
        for (const _step of steps) assertNothingMixed(slot, [slow, quick])
        assertNothingMixed(slot, [slow, quick])
      }
    }
  })

  it('never mixes entries of two writers who know nothing of each other', () => {
    const anyLength = fc.constantFrom(...LENGTHS)
    const anyTurns = fc.array(fc.constantFrom(0, 0, 0, 1, 1, 1, 2), {
      maxLength: 300,
      size: 'max',
    })
    fc.assert(
      fc.property(anyLength, anyLength, anyTurns, (lengthA, lengthB, turns) => {
        const slot = emptySlot()
        const entries = [entryOf(1, lengthA), entryOf(2, lengthB)] as const
        const writers = [stepsOf(slot, entries[0]), stepsOf(slot, entries[1])] as const
        for (const turn of turns) {
          if (turn === 2) invalidateEntry(slot.memory, slot.slotWord)
          else writers[turn].next()
          assertNothingMixed(slot, entries)
        }
        for (const writer of writers) for (const _step of writer) assertNothingMixed(slot, entries)
        assertNothingMixed(slot, entries)
      }),
      { numRuns: 300 },
    )
  })

  it('stays a miss after an invalidation, whenever it came during the writing', () => {
    for (let stop = 0; stop < entryWordsFor(300) + 2; stop += 1) {
      const slot = emptySlot()
      const entry = entryOf(1, 300)
      const steps = stepsOf(slot, entry)
      let isDone = false
      for (let step = 0; step < stop; step += 1) isDone = steps.next().done === true
      invalidateEntry(slot.memory, slot.slotWord)
      while (steps.next().done !== true);
      const hasBegun = stop > 0
      if (hasBegun || isDone) assert.equal(assertNothingMixed(slot, [entry]), 0, `${stop}`)
    }
  })

  it('is a miss or the right entry after any damage to its bytes', () => {
    const damage = fc.array(fc.tuple(fc.nat(128 * 4 - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(fc.constantFrom(...LENGTHS), damage, (length, changes) => {
        const slot = emptySlot()
        const entry = entryOf(5, length)
        write(slot, entry)
        for (const [at, byte] of changes) slot.memory.bytes[slot.slotWord * 4 + at] = byte
        assertNothingMixed(slot, [entry])
      }),
      { numRuns: 2_000 },
    )
  })

  it('notices a change to any single bit of a whole entry', () => {
    const length = 60
    const slot = emptySlot()
    const entry = entryOf(5, length)
    write(slot, entry)
    const start = slot.slotWord * 4
    for (let bit = 0; bit < (64 + length) * 8; bit += 1) {
      const at = start + (bit >> 3)
      const before = slot.memory.bytes[at] as number
      slot.memory.bytes[at] = before ^ (1 << (bit & 7))
      assert.equal(assertNothingMixed(slot, [entry]), 0, `bit ${bit}`)
      slot.memory.bytes[at] = before
    }
    assert.equal(assertNothingMixed(slot, [entry]), 1)
  })
})
