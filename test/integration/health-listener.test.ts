/** The health listener: a port of its own that answers probes of any age. */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { exchangeRaw } from '../support/raw-http.ts'
import { reservePort } from '../support/reserved-port.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

let gateway: TestGateway
let port: number

before(async () => {
  port = await reservePort()
  gateway = await openGateway({ health: { host: '127.0.0.1', port } })
})

async function statusOf(request: string): Promise<number | undefined> {
  const methods = request.split(' ', 1)
  return (await exchangeRaw(port, request, { methods })).answers[0]?.status
}

describe('the health listener', () => {
  it('says that the instance is alive and ready, as the main port does', async () => {
    for (const path of ['/health/live', '/health/ready', '/health/ready/']) {
      const own = await fetch(`http://127.0.0.1:${port}${path}`)
      const main = await fetch(`http://127.0.0.1:${gateway.port}${path}`)
      assert.equal(own.status, 200)
      assert.deepEqual(await own.json(), await main.json())
    }
  })

  it('answers HTTP/1.0 without Host, HEAD, and OPTIONS, which checks send', async () => {
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      assert.equal(await statusOf(`${method} /health/ready HTTP/1.0\r\n\r\n`), 200, method)
    }
  })

  it('answers nothing else, and refuses what is no request', async () => {
    for (const path of ['/', '/health', '/metrics', '/health/live/x', '//health/live']) {
      assert.equal(await statusOf(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`), 404, path)
    }
    assert.equal(await statusOf('GET /health/live HTTP/1.1\nHost: a\n\n'), 400)
  })

  it('has a port of its own', async () => {
    const same = openGateway({ health: { host: '127.0.0.1', port } })
    await assert.rejects(same, /health: cannot listen on 127\.0\.0\.1:\d+: the port is taken/)
  })
})
