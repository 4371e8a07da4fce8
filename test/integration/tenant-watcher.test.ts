/** Following tenants in a real Redis: what a watcher knows when there are too many of them. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { RedisTenantStore } from '../../src/tenants/redis-tenant-store.ts'
import { StoredTenants } from '../../src/tenants/stored-tenants.ts'
import { TenantRegistry } from '../../src/tenants/tenant-registry.ts'
import { type TenantsState, TenantWatcher } from '../../src/tenants/tenant-watcher.ts'
import { eventually } from '../support/eventually.ts'
import { RedisClients } from '../support/redis-clients.ts'
import { RedisServer } from '../support/redis-server.ts'
import { MAIN } from '../support/tenants.ts'

const TENANTS_MAX = 1_000
const WAIT_MS = 1_000
const ACTIVE = '{"status":"active"}'
const SUSPENDED = '{"status":"suspended"}'

describe('a watcher of more tenants than fit', () => {
  let redis: RedisServer
  let watcher: TenantWatcher
  const clients = new RedisClients()
  const states: TenantsState[] = []
  const registry = new TenantRegistry([MAIN], [])
  before(async () => {
    redis = await RedisServer.start()
  })
  afterEach(() => {
    watcher.stop()
    clients.closeAll()
  })
  after(async () => redis.stop())

  async function announce(name: string, ...change: readonly string[]): Promise<void> {
    const [command = '', ...words] = change
    await redis.command(command, 'tenants', ...words)
    await redis.command('XADD', 'tenants:changes', '*', 'name', name)
  }

  async function watch(): Promise<void> {
    const patient = { connectionsMin: 1, connectionsMax: 1, commandTimeoutMs: 20_000 }
    const commands = await clients.connect([redis.node], patient)
    const waiting = await clients.connect([redis.node], patient)
    const issuers = [MAIN.name]
    watcher = new TenantWatcher(
      { lookIntervalMs: 500, refreshIntervalMs: 600_000, staleMaxMs: 600_000 },
      {
        store: new RedisTenantStore('tenants', WAIT_MS, commands.redis, waiting.redis),
        tenants: new StoredTenants({ tenantsMax: TENANTS_MAX, upstreams: new Set(), issuers }),
        monotonicMs: () => performance.now(),
        random: Math.random,
        onChange: (change) => registry.apply(change),
        onState: (state) => states.push(state),
        onGivenUp: () => {},
      },
    )
    await watcher.start()
  }

  it('says so, serves those it knows, and suspends them when their records say so', async () => {
    const names = Array.from({ length: TENANTS_MAX + 1 }, (_, at) => `t${at}`)
    await redis.command('HSET', 'tenants', ...names.flatMap((name) => [name, ACTIVE]))
    await watch()
    await eventually('it is told', () => states.at(-1) === 'too_many')
    assert.equal(registry.size, TENANTS_MAX)
    const known = names.filter((name) => registry.find(name) !== null)
    const beyond = names.find((name) => registry.find(name) === null) ?? ''
    assert.equal(registry.isUndecided(beyond), true, 'not known is not unknown')
    const [suspended = '', removed = ''] = known
    await announce(suspended, 'HSET', suspended, SUSPENDED)
    const status = () => registry.find(suspended)?.status
    await eventually('it is suspended', () => status() === 'suspended')
    await announce(removed, 'HDEL', removed)
    await eventually('there is room for the other', () => registry.find(beyond) !== null)
    await eventually('that is told as well', () => states.at(-1) === 'known')
    assert.equal(registry.isUndecided('unknown'), false)
  })
})
