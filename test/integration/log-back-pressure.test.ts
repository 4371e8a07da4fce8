/** The log when nothing reads it: requests go on, and what is missing is counted and told. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { REPOSITORY_ROOT } from '../architecture/repository.ts'
import { eventually } from '../support/eventually.ts'
import { LogPipe } from '../support/log-pipe.ts'
import {
  EVERY_LINE,
  LoggingGateway,
  type LoggingGatewayOptions,
} from '../support/logging-gateway.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

const REQUESTS = 20_000
const SLOWEST_MS = 1_000
/** Draining has nothing to wait for, and the log is waited for one second. */
const STOP_MS = 5_000
/** Longer than any pause between two attempts to write. */
const QUIET_MS = 1_500
/** The unprivileged user of every Linux. */
const OTHER_USER = 65_534

type Line = Readonly<Record<string, unknown>>

let directory = ''
let upstream: UpstreamServer

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-log-'))
  upstream = await startEchoUpstream()
})

after(async () => {
  await upstream.close()
  rmSync(directory, { recursive: true })
})

function start(
  test: TestContext,
  output: number | 'pipe',
  more: Partial<LoggingGatewayOptions> = {},
): Promise<LoggingGateway> {
  return LoggingGateway.start(test, { directory, output, upstream: upstream.origin, ...more })
}

async function startOnPipe(
  test: TestContext,
  more: Partial<LoggingGatewayOptions> = {},
): Promise<{ gateway: LoggingGateway; pipe: LogPipe }> {
  const pipe = new LogPipe(directory)
  test.after(() => pipe.closeReader())
  const gateway = await start(test, pipe.writeEnd, more)
  pipe.closeWriteEnd()
  return { gateway, pipe }
}

function parsed(lines: readonly string[]): Line[] {
  return lines.map((line) => JSON.parse(line) as Line)
}

function countOf(lines: readonly Line[], stream: string): number {
  return lines.filter((line) => line['stream'] === stream).length
}

function gapsOf(lines: readonly Line[]): Line[] {
  return lines.filter((line) => line['event'] === 'log_lines_dropped')
}

/** Waits until the lines have stopped coming. */
async function settled(count: () => number): Promise<void> {
  let last = -1
  while (count() !== last) {
    last = count()
    await delay(QUIET_MS)
  }
}

describe('a pipe that is not read', () => {
  it('stops no request, and one line tells what is missing when it is read again', async (test) => {
    const { gateway, pipe } = await startOnPipe(test)
    const load = await gateway.load(REQUESTS)
    assert.equal(load.answers, REQUESTS)
    assert.ok(load.slowestMs < SLOWEST_MS, `the slowest answer took ${load.slowestMs} ms`)
    assert.equal(await gateway.status('/health/live'), 200)

    const counted = await gateway.metric('sallyport_log_lines_dropped_total{stream="access"}')
    assert.ok(counted > 0, 'the buffer holds all of it: send more')
    pipe.read()
    await settled(() => pipe.lines.length)
    const lines = parsed(pipe.lines)
    assert.equal(REQUESTS - countOf(lines, 'access'), counted)
    const gaps = gapsOf(lines)
    assert.equal(gaps.length, 1)
    assert.deepEqual(
      [gaps[0]?.['operations'], gaps[0]?.['security'], gaps[0]?.['access']],
      [0, 0, counted],
    )
    assert.equal(pipe.rest, '')
    assert.deepEqual((await gateway.stop(STOP_MS)).exitCode, 0)
    await settled(() => pipe.lines.length)
    assert.equal(parsed(pipe.lines).at(-1)?.['event'], 'stopped')
  })

  it('does not keep the gateway from ending', async (test) => {
    const { gateway, pipe } = await startOnPipe(test)
    await gateway.load(REQUESTS)
    const { exitCode, tookMs } = await gateway.stop(STOP_MS)
    assert.equal(exitCode, 0)
    assert.ok(tookMs < STOP_MS, `took ${tookMs} ms`)
    // What the pipe held when the gateway gave up: no line is torn.
    pipe.read()
    await settled(() => pipe.lines.length)
    assert.ok(parsed(pipe.lines).length > 0)
    assert.equal(pipe.rest, '')
  })

  it('costs access lines before any security event', async (test) => {
    const { gateway, pipe } = await startOnPipe(test, {
      logging: { accessLog: EVERY_LINE, bufferKiB: 64 },
    })
    await gateway.load(2_000)
    assert.ok((await gateway.metric('sallyport_log_lines_dropped_total', {})) > 0)
    // Each in another second, so that none is left out for the rate of its kind.
    const events = 4
    for (let count = 0; count < events; count += 1) {
      assert.equal(await gateway.status('/shadow/x'), 200)
      await gateway.load(500)
    }
    pipe.read()
    await settled(() => pipe.lines.length)
    const shadow = parsed(pipe.lines).filter((line) => line['event'] === 'shadow_refused')
    assert.equal(shadow.length, events)
    assert.equal(await gateway.metric('sallyport_log_lines_dropped_total{stream="security"}'), 0)
  })

  it('stops no request when it is a pair of sockets', async (test) => {
    const gateway = await start(test, 'pipe')
    gateway.output.pause()
    const load = await gateway.load(REQUESTS)
    assert.ok(load.slowestMs < SLOWEST_MS, `the slowest answer took ${load.slowestMs} ms`)
    const counted = await gateway.metric('sallyport_log_lines_dropped_total{stream="access"}')
    assert.ok(counted > 0)
    let text = ''
    gateway.output.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    gateway.output.resume()
    await settled(() => text.length)
    const lines = parsed(text.trimEnd().split('\n'))
    assert.equal(REQUESTS - countOf(lines, 'access'), counted)
    assert.deepEqual(
      gapsOf(lines).map((line) => line['access']),
      [counted],
    )
    gateway.output.pause()
    await gateway.load(REQUESTS)
    assert.equal((await gateway.stop(STOP_MS)).exitCode, 0)
  })

  it('stops no request when it belongs to another user', async (test) => {
    if (process.getuid?.() !== 0) return test.skip('only root may start a command as another user')
    if (!isReadableByAll(REPOSITORY_ROOT)) {
      return test.skip(`NOT TESTED: other users may not read the program in ${REPOSITORY_ROOT}`)
    }
    chmodSync(directory, 0o755)
    const pipe = new LogPipe(directory)
    test.after(() => pipe.closeReader())
    const gateway = await start(test, pipe.writeEnd, { userId: OTHER_USER })
    pipe.closeWriteEnd()
    const load = await gateway.load(REQUESTS)
    assert.ok(load.slowestMs < SLOWEST_MS, `the slowest answer took ${load.slowestMs} ms`)
    pipe.read()
    await settled(() => pipe.lines.length)
    const counted = await gateway.metric('sallyport_log_lines_dropped_total{stream="access"}')
    assert.equal(REQUESTS - countOf(parsed(pipe.lines), 'access'), counted)
    pipe.stopReading()
    await gateway.load(REQUESTS)
    assert.equal((await gateway.stop(STOP_MS)).exitCode, 0)
  })
})

/** Whether users who own nothing may enter a folder and all above it. */
function isReadableByAll(folder: string): boolean {
  const OTHERS_ENTER = 0o001
  if ((statSync(folder).mode & OTHERS_ENTER) === 0) return false
  return folder === '/' || isReadableByAll(dirname(folder))
}

describe('a log whose reader has left', () => {
  for (const kind of ['pipe', 'pair of sockets'] as const) {
    it(`stops no request and ends nothing: ${kind}`, async (test) => {
      const pipe = kind === 'pipe' ? await startOnPipe(test) : null
      const gateway = pipe?.gateway ?? (await start(test, 'pipe'))
      if (pipe === null) gateway.output.destroy()
      else pipe.pipe.closeReader()
      const load = await gateway.load(2_000)
      assert.ok(load.slowestMs < SLOWEST_MS, `the slowest answer took ${load.slowestMs} ms`)
      await eventually('the failure is counted', async () => {
        return (await gateway.metric('sallyport_log_write_failures_total{error="reader_gone"}')) > 0
      })
      assert.equal((await gateway.stop(STOP_MS)).exitCode, 0)
    })
  }
})
