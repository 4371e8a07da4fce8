import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import * as library from 'undici'
import { Agent, buildConnector, Client, send } from '../../src/resilience/http-client.ts'

describe('The door to the HTTP client', () => {
  it('gives out the same parts as the entry of the library', () => {
    assert.equal(Agent, library.Agent)
    assert.equal(Client, library.Client)
    assert.equal(buildConnector, library.buildConnector)
  })

  it('sends as an agent of the library does by itself', async () => {
    const server = createServer((request, response) => response.end(`${request.method} you`))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const agent = new Agent()
    try {
      const options = { origin, path: '/', method: 'PUT' } as const
      const [ours, theirs] = [await send(agent, options), await agent.request(options)]
      assert.deepEqual([ours.statusCode, await ours.body.text()], [200, 'PUT you'])
      assert.deepEqual([theirs.statusCode, await theirs.body.text()], [200, 'PUT you'])
    } finally {
      await agent.close()
      server.close()
    }
  })
})
