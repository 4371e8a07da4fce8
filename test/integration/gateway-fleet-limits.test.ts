/** Two instances and one Redis: they count together, and each alone when Redis is away. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { outcomeOf } from '../support/gateway-answer.ts'
import { liveToken } from '../support/live-token.ts'
import { AUDIENCE, mintKey } from '../support/mint-token.ts'
import { RedisServer } from '../support/redis-server.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const SECRET = 'a shared secret of thirty-two bytes at the least'
const ISSUER = 'https://shared.example.com/'
const COUNT = 40
/** Requests that may be on their way to Redis when one is refused. */
const IN_FLIGHT = 32

const key = { ...mintKey('HS256'), signingKey: new Uint8Array(Buffer.from(SECRET)) }
const wrongKey = { ...key, signingKey: new Uint8Array(Buffer.from(`another ${SECRET}`)) }

let redis: RedisServer

before(async () => {
  redis = await RedisServer.start()
})

after(() => redis.stop())

function instance(): Promise<TestGateway> {
  return openGateway({
    issuers: {
      shared: { issuer: ISSUER, audiences: [AUDIENCE], algorithms: ['HS256'], secret: SECRET },
    },
    redis,
    rateLimits: {
      shared: { fleet: true, perAddress: { rate: `${COUNT}/h` } },
      guesses: { fleet: true, failures: { perAddress: { threshold: 3, lockout: '1h' } } },
      outage: { fleet: true, perAddress: { rate: '5/h' } },
    },
    routes: {
      '/shared/*': { authenticate: 'none', rateLimit: 'shared' },
      '/outage/*': { authenticate: 'none', rateLimit: 'outage' },
      '/guesses/*': { authenticate: ['jwt'], rateLimit: 'guesses' },
    },
    server: { trustedProxies: ['127.0.0.1'] },
  })
}

const from = (address: string) => ({ 'x-forwarded-for': address })

function guess(gateway: TestGateway, address: string, signer = wrongKey) {
  const token = liveToken(signer, ISSUER)
  return gateway.ask('/guesses/x', { authorization: `Bearer ${token}`, ...from(address) })
}

describe('a limit that two instances share', () => {
  it('lets through one rate, and what is on its way, whichever instance is asked', async () => {
    const instances = [await instance(), await instance()]
    let passed = 0
    let left = 4 * COUNT
    const client = async (gateway: TestGateway | undefined) => {
      while (left > 0) {
        left -= 1
        const answer = await gateway?.ask('/shared/x', from('192.0.2.1'))
        if (answer?.status === 200) passed += 1
        else assert.equal(answer && outcomeOf(answer), '429 rate_limited')
      }
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, (_, index) => client(instances[index % 2])))
    assert.equal(passed, COUNT)
    const [first] = instances
    assert.equal(await first?.metric('sallyport_rate_limit_fallbacks_total'), 0)
    for (const gateway of instances) await gateway.stop()
  })
})

describe('a lock-out that two instances share', () => {
  it('is known to the other within a second, and after a restart at once', async () => {
    const [first, second] = [await instance(), await instance()]
    for (let count = 0; count < 3; count += 1) {
      assert.equal(outcomeOf(await guess(first, '192.0.2.7')), '401 invalid_token')
    }
    await eventually('locked at both', async () => {
      const outcomes = [await guess(first, '192.0.2.7', key), await guess(second, '192.0.2.7', key)]
      return outcomes.every((answer) => outcomeOf(answer) === '429 locked_out')
    })
    await first.stop()
    await second.stop()
    const third = await instance()
    assert.equal(outcomeOf(await guess(third, '192.0.2.7', key)), '429 locked_out')
    assert.equal(outcomeOf(await guess(third, '192.0.2.8', key)), 'passed')
    await third.stop()
  })

  it('adds up failures at several instances', async () => {
    const [first, second] = [await instance(), await instance()]
    const answers = [await guess(first, '192.0.2.9'), await guess(second, '192.0.2.9')]
    answers.push(await guess(first, '192.0.2.9'))
    assert.deepEqual(answers.map(outcomeOf), Array(3).fill('401 invalid_token'))
    for (const gateway of [first, second]) {
      await eventually('locked', async () => {
        return outcomeOf(await guess(gateway, '192.0.2.9', key)) === '429 locked_out'
      })
    }
    await first.stop()
    await second.stop()
  })

  it('holds no address and no user name in Redis', async () => {
    const keys = await redis.command('KEYS', 'sallyport:limit:*')
    assert.ok(Array.isArray(keys) && keys.length > 0)
    assert.doesNotMatch(JSON.stringify(keys), /192\.0\.2/)
  })
})

describe('an instance whose Redis is away', () => {
  it('limits and locks by itself, says so, and counts with the fleet again afterwards', async () => {
    const gateway = await instance()
    await redis.kill()
    await eventually('told', async () => {
      await gateway.ask('/outage/x', from('192.0.2.20'))
      return (await gateway.metric('sallyport_rate_limit_fallbacks_total')) > 0
    })
    const outcomes: string[] = []
    for (let count = 0; count < 6; count += 1) {
      outcomes.push(outcomeOf(await gateway.ask('/outage/x', from('192.0.2.21'))))
    }
    assert.deepEqual(outcomes, [...Array<string>(5).fill('passed'), '429 rate_limited'])
    for (let count = 0; count < 3; count += 1) await guess(gateway, '192.0.2.22')
    await eventually('locked', async () => {
      return outcomeOf(await guess(gateway, '192.0.2.22', key)) === '429 locked_out'
    })
    await redis.up()
    await eventually('counted by the fleet', async () => {
      await gateway.ask('/outage/x', from(`198.51.100.${Math.floor(performance.now() % 200)}`))
      const keys = await redis.command('KEYS', 'sallyport:limit:rate:*')
      return Array.isArray(keys) && keys.length > 0
    })
    await gateway.stop()
  })
})
