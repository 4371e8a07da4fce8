/** What is known of the tenants in a store, whatever is read of them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StoredTenants } from '../../src/tenants/stored-tenants.ts'

const ACTIVE = '{"status":"active"}'
const SUSPENDED = '{"status":"suspended"}'

function storedTenants(tenantsMax = 1_000): StoredTenants {
  const options = { tenantsMax, upstreams: new Set(['backend']), issuers: ['main', 'own'] }
  return new StoredTenants(options)
}

/** One complete reading. */
function read(
  stored: StoredTenants,
  records: Readonly<Record<string, string>>,
  isMeant = false,
  isWiped = false,
): void {
  stored.beginReading()
  for (const [name, text] of Object.entries(records)) stored.learn(name, text)
  stored.endReading(isMeant, isWiped)
}

function named(count: number, text = ACTIVE): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`t${at}`, text]))
}

describe('what is known of tenants in a store', () => {
  it('is told as differences: what did not change is not told again', () => {
    const stored = storedTenants()
    read(stored, { acme: ACTIVE, globex: '{"status":"active","issuers":["main"]}' })
    assert.equal(stored.takeChange()?.tenants.length, 2)
    read(stored, { acme: '{ "status": "active" }', globex: SUSPENDED })
    const change = stored.takeChange()
    assert.deepEqual(
      change?.tenants.map(({ id, status }) => [id, status]),
      [['globex', 'suspended']],
    )
    read(stored, { acme: ACTIVE })
    assert.deepEqual(stored.takeChange()?.gone, ['globex'])
    assert.equal(stored.takeChange(), null)
  })

  it('may list an issuer that came later, where a record cannot be understood', () => {
    const stored = storedTenants()
    read(stored, { acme: '{"status":"strange","issuers":["later"]}', globex: ACTIVE })
    const mayList = (issuers: readonly string[]) => stored.whole(issuers).unreadable[0]?.mayList
    assert.deepEqual(mayList(['main', 'own']), [])
    assert.deepEqual(mayList(['main', 'later']), ['later'])
  })

  it('is told again when its rate has changed', () => {
    const stored = storedTenants()
    const rates = [null, { rate: '1/s' }, { rate: '2/s' }, { rate: '2/s', burst: 9 }, null]
    for (const rateLimit of rates) {
      read(stored, { acme: JSON.stringify({ status: 'active', rateLimit }) })
      assert.equal(stored.takeChange()?.tenants.length, 1, JSON.stringify(rateLimit))
    }
  })

  it('is told again when any list of it has changed', () => {
    const stored = storedTenants()
    const record = { status: 'active' }
    const changes: readonly object[] = [
      { issuers: ['main'] },
      { allowedOrigins: ['https://a.test'] },
      { allowFrom: ['10.0.0.0/8'] },
      { denyFrom: ['10.0.0.0/8'] },
    ]
    for (const change of changes) {
      read(stored, { acme: JSON.stringify(record) })
      stored.takeChange()
      read(stored, { acme: JSON.stringify({ ...record, ...change }) })
      const told = stored.takeChange()?.tenants[0]
      assert.deepEqual({ ...told, ...change }, told, JSON.stringify(change))
      read(stored, { acme: JSON.stringify({ ...record, ...change }) })
      assert.equal(stored.takeChange(), null)
    }
  })

  it('is complete from the end of the first reading on', () => {
    const stored = storedTenants()
    stored.beginReading()
    stored.learn('acme', ACTIVE)
    assert.equal(stored.takeChange()?.isComplete, false)
    stored.endReading(false, false)
    assert.deepEqual(stored.takeChange(), {
      tenants: [],
      unreadable: [],
      gone: [],
      isComplete: true,
    })
  })

  it('lets a record that cannot be read list only the issuers that its text names', () => {
    const mayList = (text: string) => {
      const stored = storedTenants()
      read(stored, { acme: text })
      return stored.takeChange()?.unreadable[0]?.mayList
    }
    assert.deepEqual(mayList('{broken'), [])
    assert.deepEqual(mayList('{"status":"active","isuers":["domain","owner"]}'), [])
    assert.deepEqual(mayList('{"version":2,"trusts":[{"issuer":"main"}]}'), ['main'])
    assert.deepEqual(mayList('{"status":"active",issuers:[own]'), ['own'])
    assert.deepEqual(mayList('{"version":2,"issuers":["\\u006dain"]}'), ['main', 'own'])
    assert.deepEqual(mayList('{"status":"active","upstream":"unknown"}'), [])
  })

  it('counts names that no tenant can have, and keeps none of them', () => {
    const stored = storedTenants()
    read(stored, { ACME: ACTIVE, ['x'.repeat(1_000)]: ACTIVE, acme: ACTIVE })
    assert.equal(stored.unreadableCount, 2)
    assert.equal(stored.size, 1)
  })
})

describe('more tenants than fit', () => {
  it('leave those that are known as they are read: a suspension counts', () => {
    const stored = storedTenants(3)
    read(stored, named(5))
    assert.equal(stored.size, 3)
    assert.equal(stored.leftOutCount, 2)
    assert.equal(stored.takeChange()?.isComplete, false)
    stored.learn('t1', SUSPENDED)
    assert.deepEqual(
      stored.takeChange()?.tenants.map(({ id, status }) => [id, status]),
      [['t1', 'suspended']],
    )
  })

  it('are known after a reading in which there was room', () => {
    const stored = storedTenants(3)
    read(stored, named(4))
    const { t0: _, ...rest } = named(4)
    stored.learn('t0', null)
    read(stored, rest)
    assert.equal(stored.leftOutCount, 0)
    assert.equal(stored.size, 3)
    assert.equal(stored.takeChange()?.isComplete, true)
  })
})

describe('tenants that are gone all at once', () => {
  it('are kept when the store has none, or less than half, and can still be suspended', () => {
    for (const left of [0, 40]) {
      const stored = storedTenants()
      read(stored, named(100))
      stored.takeChange()
      read(stored, named(left, SUSPENDED))
      assert.equal(stored.isLost, true)
      assert.equal(stored.missingCount, 100 - left)
      assert.equal(stored.takeChange()?.tenants.length ?? 0, left)
      assert.equal(stored.size, 100)
    }
  })

  it('are gone when that was announced, one by one or as a whole', () => {
    const whole = storedTenants()
    read(whole, named(100))
    read(whole, {}, true)
    assert.equal(whole.size, 0)
    assert.equal(whole.isLost, false)
    const single = storedTenants()
    read(single, named(100))
    for (const name of Object.keys(named(100))) single.learn(name, null)
    read(single, {})
    assert.equal(single.isLost, false)
    assert.equal(single.size, 0)
  })

  it('are an outage of the store until every one of them is back', () => {
    const stored = storedTenants()
    read(stored, named(100))
    read(stored, {})
    read(stored, named(99))
    assert.equal(stored.isLost, true, 'somebody is still restoring them')
    read(stored, named(100))
    assert.equal(stored.isLost, false)
  })

  it('are undecided, not unknown, when that is too long ago', () => {
    const stored = storedTenants()
    read(stored, named(20))
    read(stored, named(2))
    stored.takeChange()
    assert.equal(stored.giveUpMissing(), 18)
    const change = stored.takeChange()
    assert.equal(change?.gone.length, 18)
    assert.equal(change?.isComplete, false)
    read(stored, named(2))
    assert.equal(stored.isComplete, false, 'still an outage')
    read(stored, named(20))
    assert.equal(stored.takeChange()?.isComplete, true)
  })

  it('may be a few: those are facts, unless everything else in the store has gone as well', () => {
    const stored = storedTenants()
    read(stored, named(3))
    read(stored, named(1))
    assert.equal(stored.size, 1)
    read(stored, {}, false, true)
    assert.equal(stored.isLost, true)
    assert.equal(stored.size, 1)
  })
})
