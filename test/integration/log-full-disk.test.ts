/** The log on a disk that is full: nothing ends, and lines come again when there is space. */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import type { Order, Report } from '../support/gateway-process.ts'
import { EVERY_LINE, LoggingGateway, loggingConfiguration } from '../support/logging-gateway.ts'
import { reservePort } from '../support/reserved-port.ts'
import { SmallDisk } from '../support/small-disk.ts'
import { FAULT_FLAGS } from '../support/thread-faults.ts'

const REQUESTS = 5_000
const STOP_MS = 5_000
const FAILURES = 'sallyport_log_write_failures_total{error="no_space"}'

let directory = ''

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-log-disk-'))
})

after(() => rmSync(directory, { recursive: true }))

type Line = Readonly<Record<string, unknown>>

function linesOf(file: string): Line[] {
  const text = readFileSync(file, 'utf8')
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Line)
}

describe('a log on a full disk', () => {
  it('stops no request, and goes on without a torn line when there is space', async (test) => {
    const disk = SmallDisk.mount(test)
    if (disk === null) return
    const file = join(disk.directory, 'gateway.log')
    const output = openSync(file, 'a')
    // A small buffer, so that what it holds finds room when the disk has some.
    const logging = { accessLog: EVERY_LINE, bufferKiB: 64 }
    const gateway = await LoggingGateway.start(test, { directory, output, logging })
    closeSync(output)
    disk.fill(file)
    const load = await gateway.load(REQUESTS)
    assert.equal(load.answers, REQUESTS)
    assert.ok(load.slowestMs < 1_000, `the slowest answer took ${load.slowestMs} ms`)
    await eventually('the failures are counted', async () => (await gateway.metric(FAILURES)) > 1)
    const counted = await gateway.metric('sallyport_log_lines_dropped_total{stream="access"}')
    assert.ok(counted > 0)

    disk.makeRoom()
    await eventually('lines flow again', () => {
      return linesOf(file).some((line) => line['event'] === 'log_lines_dropped')
    })
    assert.equal((await gateway.stop(STOP_MS)).exitCode, 0)
    const lines = linesOf(file)
    assert.equal(lines.at(-1)?.['event'], 'stopped')
    const access = lines.filter((line) => line['stream'] === 'access')
    assert.equal(REQUESTS - access.length, counted)
    const gaps = lines.filter((line) => line['event'] === 'log_lines_dropped')
    assert.deepEqual(
      gaps.map((line) => line['access']),
      [counted],
    )
  })

  it('does not keep the gateway from ending', async (test) => {
    const disk = SmallDisk.mount(test)
    if (disk === null) return
    const file = join(disk.directory, 'gateway.log')
    const output = openSync(file, 'a')
    const gateway = await LoggingGateway.start(test, { directory, output })
    closeSync(output)
    disk.fill(file)
    await gateway.load(REQUESTS)
    assert.equal((await gateway.stop(STOP_MS)).exitCode, 0)
  })

  it('ends no gateway that has errors to write on standard error', async (test) => {
    const disk = SmallDisk.mount(test)
    if (disk === null) return
    const file = join(disk.directory, 'errors.log')
    const output = openSync(join(directory, 'output.log'), 'a')
    const errors = openSync(file, 'a')
    const gateway = await LoggingGateway.start(test, { directory, output, errors })
    closeSync(output)
    closeSync(errors)
    disk.fill(file)
    gateway.process.kill('SIGHUP')
    // The admin listener is in the thread that has the signal.
    assert.equal(await gateway.metric('sallyport_ready'), 1)
    assert.equal((await gateway.load(100)).answers, 100)
    assert.equal((await gateway.stop(STOP_MS)).exitCode, 0)
  })

  it('lets a listener thread die alone, and has its last words afterwards', async (test) => {
    const disk = SmallDisk.mount(test)
    if (disk === null) return
    const file = join(disk.directory, 'gateway.log')
    const output = openSync(file, 'a')
    const ports = { server: await reservePort(), admin: await reservePort() }
    const text = loggingConfiguration(ports, 'http://127.0.0.1:9')
    const child = fork(new URL('../support/gateway-process.js', import.meta.url), [text], {
      env: { ...process.env, SALLYPORT_LISTENER_THREADS: '2' },
      execArgv: [...process.execArgv, ...FAULT_FLAGS],
      stdio: ['ignore', output, 'inherit', 'ipc'],
    })
    closeSync(output)
    test.after(() => void child.kill('SIGKILL'))
    const [report] = (await once(child, 'message')) as [Report]
    assert.equal(report.type, 'started')
    await eventually('the start is logged', () => {
      return linesOf(file).some((line) => line['event'] === 'listening')
    })
    disk.fill(file)
    const restarts = async (): Promise<boolean> => {
      const answer = await fetch(`http://127.0.0.1:${ports.admin}/metrics`)
      return (await answer.text()).includes('sallyport_listener_restarts_total 1\n')
    }
    child.send({ id: 0, type: 'crash_listener', index: 0 } satisfies Order)
    await eventually('the thread is replaced', restarts)
    assert.deepEqual([child.exitCode, child.signalCode], [null, null])

    disk.makeRoom()
    await eventually('its last words are there', () => {
      return linesOf(file).some(
        (line) => line['event'] === 'unexpected_failure' && line['where'] === 'listener',
      )
    })
    const hasEnded = once(child, 'exit') as Promise<[number | null]>
    child.send({ id: 1, type: 'stop' } satisfies Order)
    assert.equal((await hasEnded)[0], 0)
  })
})
