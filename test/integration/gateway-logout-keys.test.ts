/** Logout tokens under keys that the gateway does not have yet, or cannot ask for. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { wallSeconds } from '../support/live-token.ts'
import { mintKey } from '../support/mint-token.ts'
import { judgedBy, logOut, openRevocationRig } from '../support/revocation-gateways.ts'
import type { TestGateway } from '../support/test-gateway.ts'

/** Fetches that tokens may cause at once. */
const BUDGET = 6

let rig: Awaited<ReturnType<typeof openRevocationRig>>
let gateway: TestGateway

beforeEach(async () => {
  rig = await openRevocationRig()
  gateway = await rig.start()
  await eventually('ready', () => gateway.isReady())
})

afterEach(async () => {
  await gateway.stop()
  await rig.close()
})

async function statusOf(token: string): Promise<number> {
  return (await logOut(gateway, token)).status
}

/** Signed with a key that is not published. */
function strayToken(index: number, claims: Record<string, unknown> = {}): string {
  return rig.logoutToken({ sub: 'a', ...claims }, {}, mintKey('ES256', `stray-${index}`))
}

describe('a logout token under a new key', () => {
  it('is taken at the first try, with one fetch, and ends what it names', async () => {
    const token = rig.token({ sub: 'alice' })
    assert.equal(await judgedBy(gateway, token), '200')
    const fresh = mintKey('ES256', 'fresh')
    rig.publish(rig.key, fresh)
    const fetches = rig.fetches()
    assert.equal(await statusOf(rig.logoutToken({ sub: 'alice' }, {}, fresh)), 200)
    assert.equal(rig.fetches(), fetches + 1)
    assert.equal(await judgedBy(gateway, token), 'token_revoked')
  })

  it('is taken at the first try when the key came under the old kid', async () => {
    const replaced = mintKey('ES256', rig.key.keyId)
    rig.publish(replaced)
    assert.equal(await statusOf(rig.logoutToken({ sub: 'alice' }, {}, replaced)), 200)
    // The old key is withdrawn.
    assert.equal(await statusOf(rig.logoutToken({ sub: 'alice' })), 400)
  })

  it('is refused when the key is not published, and undecided when no fetch is allowed', async () => {
    const fetches = rig.fetches()
    for (let index = 0; index < BUDGET; index += 1) {
      assert.equal(await statusOf(strayToken(index)), 400)
    }
    assert.equal(await statusOf(strayToken(BUDGET)), 503)
    assert.equal(rig.fetches(), fetches + BUDGET)
    const forger = mintKey('ES256', rig.key.keyId)
    const forged = (claims: object) => rig.logoutToken({ sub: 'a', ...claims }, {}, forger)
    assert.equal(await statusOf(forged({})), 503)
    assert.equal(await statusOf(forged({ iat: wallSeconds() - 60 })), 400)
    assert.equal(rig.fetches(), fetches + BUDGET)
  })
})
