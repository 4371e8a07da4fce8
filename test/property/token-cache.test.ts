/** The shared cache against a plain Map: it may forget, but never say what the Map would not. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Verified } from '../../src/protocol/verification.ts'
import {
  createKeyGenerationsBuffer,
  KeyGenerationAllocator,
  KeyGenerations,
  type KeyPlace,
} from '../../src/shared-memory/key-generations.ts'
import { IDENTITY_SLOT_BYTES, mapTable, setWordOf } from '../../src/token-cache/layout.ts'
import { createTokenCacheBuffer, TokenCache } from '../../src/token-cache/token-cache.ts'
import { unpackDigest } from '../../src/token-cache/token-digest.ts'
import { brokenCacheInvariants } from '../support/cache-invariants.ts'
import { digestOf, verdictOf } from '../support/self-describing-verdict.ts'

const START = 1_700_000_000
const THREADS = 3
const KEYS = 3
const LARGE_MIB = 8
const LIST_LENGTHS = [0, 2, 8, 20, 60] as const

type Operation =
  | { kind: 'put'; thread: number; subject: number; size: number; ttl: number; key: number }
  | { kind: 'get'; thread: number; subject: number }
  | { kind: 'delete'; thread: number; subject: number }
  | { kind: 'kill'; key: number }
  | { kind: 'wait'; seconds: number }

const anyThread = fc.nat(THREADS - 1)

function anyOperation(subjects: number): fc.Arbitrary<Operation> {
  const anySubject = fc.nat(subjects - 1)
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('put' as const),
        thread: anyThread,
        subject: anySubject,
        size: fc.nat(LIST_LENGTHS.length - 1),
        ttl: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constant(500)),
        key: fc.nat(KEYS - 1),
      }),
    },
    {
      weight: 16,
      arbitrary: fc.record({
        kind: fc.constant('get' as const),
        thread: anyThread,
        subject: anySubject,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('delete' as const),
        thread: anyThread,
        subject: anySubject,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('kill' as const), key: fc.nat(KEYS - 1) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('wait' as const),
        seconds: fc.integer({ min: 0, max: 8 }),
      }),
    },
  )
}

function manyOperations(subjects: number): fc.Arbitrary<Operation[]> {
  return fc.array(anyOperation(subjects), { maxLength: 400, size: 'max' })
}

class World {
  readonly buffer: SharedArrayBuffer
  readonly #allocator: KeyGenerationAllocator
  readonly #keys: KeyGenerations
  readonly #threads: TokenCache<never>[] = []
  readonly #model = new Map<number, Verified>()
  readonly #places: KeyPlace[] = []
  #now = START
  #version = 0
  missesOfLive = 0
  hits = 0

  constructor(sizeMib: number) {
    const keyBuffer = createKeyGenerationsBuffer(4_095)
    this.#keys = new KeyGenerations(keyBuffer)
    this.#allocator = new KeyGenerationAllocator(keyBuffer)
    this.buffer = createTokenCacheBuffer(sizeMib)
    for (let key = 0; key < KEYS; key += 1) this.#places.push(this.#allocate())
    for (let thread = 0; thread < THREADS; thread += 1) {
      const options = { buffer: this.buffer, keys: this.#keys, memoEntries: 4 }
      this.#threads.push(new TokenCache(options))
    }
  }

  run(operation: Operation): void {
    switch (operation.kind) {
      case 'put':
        this.#put(operation)
        break
      case 'get':
        this.#get(this.#thread(operation.thread), operation.subject)
        break
      case 'delete':
        this.#thread(operation.thread).delete(digestOf(operation.subject))
        this.#model.delete(operation.subject)
        break
      case 'kill':
        this.#allocator.kill((this.#places[operation.key] as KeyPlace).slot)
        this.#places[operation.key] = this.#allocate()
        break
      case 'wait':
        this.#now += operation.seconds
    }
  }

  #put({ thread, subject, size, ttl, key }: Operation & { kind: 'put' }): void {
    this.#version += 1
    const listLength = LIST_LENGTHS[size] as number
    const deadAt = this.#now + ttl
    const place = this.#places[key] as KeyPlace
    const verdict = verdictOf(subject, this.#version, listLength, deadAt, place)
    const isKept = this.#thread(thread).put(digestOf(subject), verdict, this.#now)
    assert.equal(isKept, ttl > 0, 'one thread at a time is never turned away')
    if (isKept) this.#model.set(subject, verdict)
  }

  #get(cache: TokenCache<never>, subject: number): void {
    const expected = this.#model.get(subject)
    const isLive =
      expected !== undefined &&
      this.#now < expected.deadAtSeconds &&
      this.#keys.isAlive(expected.keySlot, expected.keyGeneration)
    const found = cache.get(digestOf(subject), this.#now)
    if (found !== null) {
      assert.ok(isLive, 'a dead or deleted verdict is never returned')
      assert.deepEqual(found.verified, expected)
      this.hits += 1
    } else if (isLive) {
      this.missesOfLive += 1
    }
  }

  #thread(thread: number): TokenCache<never> {
    return this.#threads[thread] as TokenCache<never>
  }

  #allocate(): KeyPlace {
    const place = this.#allocator.allocate()
    assert.ok(place)
    return place
  }
}

function runAll(world: World, operations: readonly Operation[]): void {
  for (const operation of operations) world.run(operation)
  const broken = brokenCacheInvariants(mapTable(world.buffer, IDENTITY_SLOT_BYTES))
  assert.deepEqual(broken, [])
}

describe('token cache against a Map', () => {
  it('says of each credential what was last put for it, or nothing, when it is too small', () => {
    let hits = 0
    fc.assert(
      fc.property(manyOperations(24), (operations) => {
        const world = new World(0)
        runAll(world, operations)
        hits += world.hits
      }),
      { numRuns: 200 },
    )
    assert.ok(hits > 1_000, 'the property looked at real hits')
  })

  it('forgets nothing that is live when it is large enough', () => {
    const subjects = 16
    const memory = mapTable(createTokenCacheBuffer(LARGE_MIB), IDENTITY_SLOT_BYTES)
    const sets = new Set<number>()
    for (let subject = 0; subject < subjects; subject += 1) {
      const digest = new Int32Array(8)
      unpackDigest(digestOf(subject), digest)
      sets.add(setWordOf(memory, digest))
    }
    assert.equal(sets.size, subjects, 'large enough: each subject has a set of its own')
    fc.assert(
      fc.property(manyOperations(subjects), (operations) => {
        const world = new World(LARGE_MIB)
        runAll(world, operations)
        assert.equal(world.missesOfLive, 0)
      }),
      { numRuns: 30 },
    )
  })
})
