/** Deadlines after a pause of this process, in which another one has answered. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { withinDeadline } from '../../src/resilience/deadline.ts'
import { OutboundHttp } from '../../src/resilience/outbound-http.ts'

const DEADLINE_MS = 400
const PAUSE_MS = 1_000
/** The request is on its way by then, and its answer is not back. */
const SENT_MS = 100
const ANSWER_MS = 250
const PROGRAM = `
  const server = require('node:http').createServer((_, response) =>
    setTimeout(() => response.end('{}'), ${ANSWER_MS}))
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))`

/** As if the system had not let this process run. From an immediate: timers are looked at next. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
}

describe('a deadline that passes while this process stands still', () => {
  const server = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] })
  let port = 0
  before(async () => {
    const [line] = (await once(server.stdout, 'data')) as [Buffer]
    port = Number(line.toString())
  })
  after(() => server.kill())

  it('fails no call whose answer has arrived meanwhile', async () => {
    const http = new OutboundHttp({ connectionsPerOrigin: 1 })
    const url = `http://127.0.0.1:${port}/`
    const limits = { accept: '*/*', bodyBytesMax: 1_024 }
    assert.equal((await http.get({ url, ...limits, timeoutMs: 10_000 })).ok, true)
    const asked = http.get({ url, ...limits, timeoutMs: DEADLINE_MS })
    setTimeout(() => setImmediate(pause), SENT_MS)
    assert.equal((await asked).ok, true)
    await http.close()
  })

  it('gives no fallback for work whose result has arrived meanwhile', async () => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    const work = once(socket, 'data').then(() => 'answered')
    const settled = withinDeadline(work, DEADLINE_MS, 'late')
    setTimeout(() => setImmediate(pause), SENT_MS)
    assert.equal(await settled, 'answered')
    socket.destroy()
  })
})
