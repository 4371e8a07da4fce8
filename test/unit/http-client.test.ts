import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { Agent, buildConnector, Client, send } from '../../src/resilience/http-client.ts'

// Only the last test may load the library's own entry: it adds to what is tested before.
describe('The door to the HTTP client', () => {
  it('sends without what the entry of the library adds to agents', async () => {
    assert.ok(!('request' in Agent.prototype))
    const server = createServer((request, response) => response.end(`${request.method} you`))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const agent = new Agent()
    try {
      const { statusCode, body } = await send(agent, { origin, path: '/', method: 'PUT' })
      assert.deepEqual([statusCode, await body.text()], [200, 'PUT you'])
    } finally {
      await agent.close()
      server.close()
    }
  })

  it('rejects where it cannot send', async () => {
    const agent = new Agent()
    const closed = { origin: 'http://127.0.0.1:1', path: '/', method: 'GET' } as const
    await assert.rejects(send(agent, closed), { code: 'ECONNREFUSED' })
    await assert.rejects(send(agent, { ...closed, path: 'no path' }), {
      code: 'UND_ERR_INVALID_ARG',
    })
    await agent.close()
  })

  it('gives out the parts that the entry of the library gives out', async () => {
    const library = await import('undici')
    assert.equal(Agent, library.Agent)
    assert.equal(Client, library.Client)
    assert.equal(buildConnector, library.buildConnector)
  })
})
