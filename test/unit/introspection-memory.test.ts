import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createNamedBuffer, placeOf } from '../../src/shared-memory/named-places.ts'
import { introspectionReader } from '../../src/supervisor/introspection-reader.ts'
import {
  breakerOf,
  createIntrospectionMemory,
  crowdLimitOf,
  pauseOf,
} from '../../src/threads/introspection-memory.ts'
import { parseText } from '../support/configuration-text.ts'

const THREAD = { thread: 0, threads: 2, shareMax: 8 }

function issuer(name: string, origin: string) {
  const introspection = {
    endpoint: `${origin}/introspect`,
    clientId: 'gateway',
    clientSecret: 'a secret of some length',
  }
  return { issuer: `https://${name}.example.com/`, audiences: ['api'], introspection }
}

const ONE = issuer('one', 'https://one.example.com')
const TWO = issuer('two', 'https://two.example.com')
const THREE = issuer('three', 'https://two.example.com')
const KEYS = {
  issuer: 'https://keys.example.com/',
  audiences: ['api'],
  jwks: { uri: 'https://keys.example.com/keys' },
}

const OPEN = { authenticate: 'none' }

function configurationWith(issuers: Readonly<Record<string, unknown>>) {
  return parseText(
    JSON.stringify({
      issuers,
      upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
      routes: [{ name: 'users', match: { path: '/users/*' }, upstream: 'users', ...OPEN }],
    }),
  )
}

function introspectionOf(configuration: ReturnType<typeof configurationWith>, name: string) {
  const found = configuration.issuers.find((candidate) => candidate.name === name)
  assert.ok(found?.introspection)
  return found.introspection
}

describe('places by name', () => {
  it('are one for each name, however often it comes', () => {
    const memory = createNamedBuffer(['a', 'b', 'a'], (count) => new SharedArrayBuffer(8 * count))
    assert.equal(memory.buffer.byteLength, 16)
    assert.notEqual(placeOf(memory, 'a'), placeOf(memory, 'b'))
  })

  it('are handed to other threads with the memory', () => {
    const memory = createNamedBuffer(['a', 'b'], (count) => new SharedArrayBuffer(8 * count))
    assert.equal(placeOf(structuredClone(memory), 'b'), placeOf(memory, 'b'))
  })

  it('are not made up for a name that has none', () => {
    const memory = createNamedBuffer(['a'], (count) => new SharedArrayBuffer(8 * count))
    assert.throws(() => placeOf(memory, 'toString'), /a place for every name: toString/)
  })
})

describe('what threads know of introspection endpoints', () => {
  const first = configurationWith({ one: ONE, two: TWO, three: THREE })
  /** The same issuers, in another order and among others. */
  const second = configurationWith({ keys: KEYS, three: THREE, two: TWO, one: ONE })

  it('belongs to the issuer of the name, whatever its position in the configuration', () => {
    const memory = createIntrospectionMemory(first)
    const nowMs = Date.now()
    const breaker = breakerOf(memory, 'two', 'known', introspectionOf(second, 'two'))
    for (let failures = 0; failures < 100; failures += 1) {
      const permit = breaker.tryAcquire(nowMs)
      if (permit !== null) breaker.failed(permit, nowMs)
    }
    pauseOf(memory, 'one', 'unknown').begin(20_000, nowMs)
    for (const configuration of [first, second]) {
      const told = introspectionReader(configuration, memory)().flatMap(
        ({ issuer: name, circuits, pauses }) => [
          ...circuits.map(({ callers, state }) => `${name} ${callers} ${state}`),
          ...pauses.map(({ callers, begun }) => `${name} ${callers} ${begun}`),
        ],
      )
      assert.deepEqual(told.sort(), [
        'one all 0',
        'one all closed',
        'one known closed',
        'one unknown 1',
        'three all 0',
        'three all closed',
        'three known closed',
        'three unknown 0',
        'two all 0',
        'two all closed',
        'two known open',
        'two unknown 0',
      ])
    }
  })

  it('is one limit of callers for each origin, shared by its issuers', () => {
    const memory = createIntrospectionMemory(first)
    const shared = crowdLimitOf(memory, 'https://two.example.com', THREAD)
    const other = crowdLimitOf(memory, 'https://one.example.com', THREAD)
    const before = other.share
    shared.timedOut(shared.began(true))
    const again = crowdLimitOf(memory, 'https://two.example.com', { ...THREAD, thread: 1 })
    assert.ok(again.share < before)
    assert.equal(other.share, before)
  })
})
