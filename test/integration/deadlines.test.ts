/** Deadlines after a pause of this process, or of a whole one, in which another has answered. */
import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { InterimAnswers } from '../../src/proxy/interim-answers.ts'
import { connectUpstream } from '../../src/proxy/upstream-socket.ts'
import { withinDeadline } from '../../src/resilience/deadline.ts'
import { OutboundHttp } from '../../src/resilience/outbound-http.ts'

const DEADLINE_MS = 400
/** The request is on its way by then, and its answer is not back. */
const SENT_MS = 100
const ANSWER_MS = 250
const POLL_MS = 10
/** Counts in its first argument, a file, the answers that it has sent. */
const PROGRAM = `
  const { appendFileSync } = require('node:fs')
  const server = require('node:http').createServer((_, response) =>
    setTimeout(() => response.end('{}', () => appendFileSync(process.argv[1], '.')), ${ANSWER_MS}))
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))`

describe('a deadline that passes while this process stands still', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-deadlines-'))
  const sent = join(folder, 'sent')
  writeFileSync(sent, '')
  const server = spawn(process.execPath, ['-e', PROGRAM, sent], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let port = 0
  before(async () => {
    const [line] = (await once(server.stdout, 'data')) as [Buffer]
    port = Number(line.toString())
  })
  after(() => {
    server.kill()
    rmSync(folder, { recursive: true })
  })

  /**
   * Stands still, as if the system had not let this process run, until the deadline has passed and
   * the server has sent so many answers in all. From an immediate: timers are looked at next.
   */
  function pauseUntilSent(answers: number): void {
    const endMs = performance.now() + DEADLINE_MS
    const pause = (): void => {
      while (performance.now() <= endMs || statSync(sent).size < answers) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS)
      }
    }
    setTimeout(() => setImmediate(pause), SENT_MS)
  }

  it('fails no call whose answer has arrived meanwhile', async () => {
    const http = new OutboundHttp({ connectionsPerOrigin: 1 })
    const url = `http://127.0.0.1:${port}/`
    const limits = { accept: '*/*', bodyBytesMax: 1_024 }
    assert.equal((await http.get({ url, ...limits, timeoutMs: 10_000 })).ok, true)
    const asked = http.get({ url, ...limits, timeoutMs: DEADLINE_MS })
    pauseUntilSent(2)
    assert.equal((await asked).ok, true)
    await http.close()
  })

  it('gives no fallback for work whose result has arrived meanwhile', async () => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    const work = once(socket, 'data').then(() => 'answered')
    const settled = withinDeadline(work, DEADLINE_MS, 'late')
    pauseUntilSent(3)
    assert.equal(await settled, 'answered')
    socket.destroy()
  })

  it('refuses no connection to an upstream that was opened meanwhile', async () => {
    const answers = new InterimAnswers(16_384, { onInterim() {}, onBroken() {} })
    const end = await new Promise<string>((resolve) => {
      connectUpstream({ hostname: '127.0.0.1', port }, DEADLINE_MS, answers, (error, socket) => {
        socket?.destroy()
        resolve(error === null ? 'connected' : error.message)
      })
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * DEADLINE_MS)
    })
    assert.equal(end, 'connected')
  })
})

/** Long enough that a busy machine stops the caller in time, and that its answer is there. */
const STOPPED = { deadlineMs: 2_000, answerMs: 700, pauseMs: 2_500 }
const SLOW_PROGRAM = PROGRAM.replace(
  `appendFileSync(process.argv[1], '.')), ${ANSWER_MS}`,
  `console.log('sent')), ${STOPPED.answerMs}`,
)
const LINE_MS_MAX = 30_000

/** Calls the server, at its own pace, and says what came of each call. */
const CALLER = `
  const { OutboundHttp } = await import(process.argv[1])
  const http = new OutboundHttp({ connectionsPerOrigin: 1 })
  const call = (timeoutMs) => http.post({
    url: process.argv[2], accept: '*/*', bodyBytesMax: 1024, timeoutMs,
    contentType: 'text/plain', body: 'x', headers: {},
  })
  await call(10_000)
  for (;;) {
    console.log('asks')
    const result = await call(${STOPPED.deadlineMs})
    console.log(result.ok ? 'answered' : result.reason)
    await new Promise((resolve) => process.stdin.once('data', resolve))
  }`
const PAUSES = 3

type Lines = () => Promise<string>

/** The next line of a process; fails when there is none in time. */
function linesOf(input: Readable): Lines {
  const lines = createInterface({ input })[Symbol.asyncIterator]()
  return async () => {
    const late = delay(LINE_MS_MAX, null, { ref: false })
    const next = await Promise.race([lines.next(), late])
    assert.ok(next !== null && next.done !== true, 'the process says something')
    return next.value
  }
}

describe('a call of a process that is stopped by the system', () => {
  const server = spawn(process.execPath, ['-e', SLOW_PROGRAM], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let caller: ChildProcessByStdio<Writable, Readable, null>
  let told: Lines
  let sent: Lines
  before(async () => {
    sent = linesOf(server.stdout)
    const port = await sent()
    const module = new URL('../../src/resilience/outbound-http.js', import.meta.url).href
    const url = `http://127.0.0.1:${port}/`
    const words = ['--input-type=module', '-e', CALLER, module, url]
    caller = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] })
    told = linesOf(caller.stdout)
    // That of the first call, which warms up.
    assert.equal(await sent(), 'sent')
  })
  after(() => {
    caller.kill('SIGKILL')
    server.kill()
  })

  it('takes the answer that came in time, though it reads it after its deadline', async () => {
    for (let n = 0; n < PAUSES; n += 1) {
      assert.equal(await told(), 'asks')
      await delay(SENT_MS)
      caller.kill('SIGSTOP')
      await delay(STOPPED.pauseMs)
      assert.equal(await sent(), 'sent')
      caller.kill('SIGCONT')
      assert.equal(await told(), 'answered')
      caller.stdin.write('x')
    }
  })

  it('is given up all the same when there is no answer', async () => {
    server.kill('SIGSTOP')
    assert.equal(await told(), 'asks')
    await delay(SENT_MS)
    caller.kill('SIGSTOP')
    await delay(STOPPED.pauseMs)
    caller.kill('SIGCONT')
    assert.equal(await told(), 'timeout')
    server.kill('SIGCONT')
  })
})
