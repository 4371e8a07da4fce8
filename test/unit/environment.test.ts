/** Variables that tune the process. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ENVIRONMENT_VARIABLES, readEnvironment } from '../../src/config/environment.ts'
import type { MachineLimits } from '../../src/config/machine-limits.ts'

function machine(cores: number): MachineLimits {
  return { cores, memoryBytes: null }
}

describe('Tuning variables', () => {
  it('follow the number of cores when nothing is set', () => {
    const threads = (cores: number): readonly number[] => {
      const { listenerThreads, verifyThreads } = readEnvironment({}, machine(cores)).tuning
      return [listenerThreads, verifyThreads]
    }
    assert.deepEqual(threads(1), [1, 1])
    assert.deepEqual(threads(2), [1, 1])
    assert.deepEqual(threads(4), [3, 3])
    assert.deepEqual(threads(64), [63, 63])
  })

  it('are each taken', () => {
    const { tuning, overrides, problems } = readEnvironment(
      {
        SALLYPORT_LISTENER_THREADS: '2',
        SALLYPORT_VERIFY_THREADS: '5',
        SALLYPORT_VERIFY_BATCH_MAX: '8',
        SALLYPORT_VERIFY_QUEUE_MAX: '9',
        SALLYPORT_CACHE_MIB: '10',
        SALLYPORT_UPSTREAM_CONNECTIONS: '11',
        SALLYPORT_UPSTREAM_PIPELINING: '1',
        SALLYPORT_IDP_CONNECTIONS: '13',
        SALLYPORT_REDIS_CONNECTIONS_MIN: '3',
        SALLYPORT_REDIS_CONNECTIONS_MAX: '16',
        SALLYPORT_RECEIVE_BUFFER_KIB: '17',
        SALLYPORT_BODY_MEMORY_MIB: '18',
        JWKS_CACHE_TTL: '14',
        JWKS_REFRESH_INTERVAL: '15',
        SALLYPORT_ALLOW_UNKNOWN_NATIVE_SERVER: 'true',
      },
      machine(8),
    )
    assert.deepEqual(problems, [])
    assert.deepEqual(tuning, {
      cores: 8,
      memoryLimitMiB: null,
      listenerThreads: 2,
      verifyThreads: 5,
      verifyBatchMax: 8,
      verifyQueueMax: 9,
      upstreamConnections: 11,
      identityProviderConnections: 13,
      redisConnectionsMin: 3,
      redisConnectionsMax: 16,
      receiveBufferBytes: 17_408,
      bodyMemoryBytes: 18_874_368,
      allowUnknownNativeServer: true,
    })
    assert.deepEqual(overrides, {
      cacheSizeMiB: 10,
      jwksCacheTtlMs: 14_000,
      jwksRefreshIntervalMs: 15_000,
    })
  })

  it('leave every listener thread a verification thread', () => {
    const environment = { SALLYPORT_LISTENER_THREADS: '6', SALLYPORT_VERIFY_THREADS: '2' }
    assert.equal(readEnvironment(environment, machine(8)).tuning.verifyThreads, 6)
  })

  it('are read as not set when empty', () => {
    const { tuning, problems } = readEnvironment({ SALLYPORT_VERIFY_BATCH_MAX: '' }, machine(2))
    assert.equal(tuning.verifyBatchMax, 32)
    assert.deepEqual(problems, [])
  })

  for (const [name, { minimum, maximum }] of Object.entries(ENVIRONMENT_VARIABLES)) {
    it(`name ${name} when its value is bad`, () => {
      for (const value of [
        String(minimum - 1),
        '-1',
        '1.5',
        '1e3',
        '0x10',
        ' 4',
        'many',
        '99999999999',
      ]) {
        const { problems } = readEnvironment({ [name]: value }, machine(2))
        assert.equal(problems.length, 1, value)
        assert.deepEqual(problems[0]?.path, [name])
        const [problem] = problems
        const words =
          minimum === maximum ? `must be ${minimum}` : `must be a whole number from ${minimum} to `
        assert.ok(problem?.message.startsWith(words))
      }
    })
  }

  it('report a switch that is neither on nor off', () => {
    const name = 'SALLYPORT_ALLOW_UNKNOWN_NATIVE_SERVER'
    const { tuning, problems } = readEnvironment({ [name]: 'yes' }, machine(2))
    assert.equal(tuning.allowUnknownNativeServer, false)
    assert.deepEqual(problems, [{ path: [name], message: 'must be true or false' }])
  })
})
