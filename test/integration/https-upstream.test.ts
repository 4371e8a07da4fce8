import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:https'
import { after, before, describe, it } from 'node:test'
import { listen, portOf } from '../support/listening-port.ts'
import { poolOf } from '../support/opened-parts.ts'
import { send } from '../support/proxy-harness.ts'
import { SELF_SIGNED_CERTIFICATE } from '../support/self-signed-certificate.ts'

describe('an upstream with https', () => {
  let server: Server
  let requests = 0

  before(async () => {
    server = createServer({ ...SELF_SIGNED_CERTIFICATE }, (_request, response) => {
      requests += 1
      response.end('ok')
    })
    await listen(server)
  })

  after(() => server.close())

  it('gets no request while no authority that Node.js trusts vouches for it', async () => {
    const port = portOf(server)
    for (const host of ['127.0.0.1', 'localhost']) {
      const sent = await send(poolOf([`https://${host}:${port}`]))
      assert.equal(sent.refusal, 'upstream_unreachable')
    }
    assert.equal(requests, 0)
  })
})
