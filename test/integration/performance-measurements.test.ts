/** Short real runs of measurements of the performance report: their figures are plausible. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Table } from '../../loadtest/figures/figures.ts'
import { measureMemory } from '../../loadtest/measurements/memory.ts'
import { measureThreads } from '../../loadtest/measurements/threads.ts'

const EFFORT = { rounds: 1, turnSeconds: 0.3, soakMinutes: 1 }
const needsLinux = existsSync('/proc/self/stat') ? false : 'figures are read from /proc'

/** The number in a cell of the row whose name begins so. */
function figure(table: Table | undefined, row: string, column = 1): number {
  const cells = table?.rows.find(([name]) => name?.startsWith(row))
  assert.ok(cells, `no row "${row}" in ${JSON.stringify(table)}`)
  const value = Number.parseFloat(cells[column] ?? '')
  assert.ok(!Number.isNaN(value), `no number in ${JSON.stringify(cells)}`)
  return value
}

function assertBetween(value: number, min: number, max: number, what: string): void {
  assert.ok(value > min && value < max, `${what}: ${value}`)
}

describe('Measurements of the performance report', { skip: needsLinux }, () => {
  it('tell what a gateway takes of memory, time and disk', async () => {
    const { tables } = await measureMemory(EFFORT, {
      tokens: 512,
      connections: [50, 850],
      threads: [1, 2],
      starts: 1,
    })
    const [table] = tables
    const between = (row: string, min: number, max: number) =>
      assertBetween(figure(table, row), min, max, row)
    // A slot of 512 bytes at least, and two for some.
    between('a cached token', 511, 4_096)
    between('a gateway with one listener thread', 20, 1_000)
    between('each further listener thread', 1, 500)
    between('from the start of the process', 50, 20_000)
    between('CPU time until then', 50, 20_000)
    between('on disk: the program', 0.5, 50)
    const sum = figure(table, 'on disk: all')
    const parts = ['on disk: the program', 'on disk: its source maps']
    const [program = 0, maps = 0] = parts.map((row) => figure(table, row))
    // The rest are the packages.
    assertBetween(sum - program - maps, 5, 200, 'packages on disk')
    assert.match(table?.rows.map(([name]) => name).join() ?? '', /an idle keep-alive connection/)
  })

  it('tell what requests and signatures cost with one thread and with two', async () => {
    const { tables, charts } = await measureThreads(EFFORT, {
      newTokens: 512,
      verificationThreads: [1, 2],
    })
    const [requests, signatures, model] = tables
    for (const threads of [1, 2]) {
      const hot = figure(requests, 'requests with hot tokens', threads)
      assertBetween(hot, 1, 10_000, 'hot')
      assertBetween(figure(requests, 'requests, every token new', threads), 1, 10_000, 'new')
    }
    for (const [name] of signatures?.rows ?? []) {
      const column = (index: number): number => figure(signatures, name ?? '', index)
      assertBetween(column(1), 10, 1_000_000, `${name} a second`)
      assertBetween(column(3), 1, 10_000, `${name} CPU with one`)
      assertBetween(column(4), 1, 10_000, `${name} CPU with two`)
    }
    assert.equal(charts[0]?.series.length, signatures?.rows.length)
    assert.ok((signatures?.rows.length ?? 0) >= 3)
    assert.equal(model?.rows.length, signatures?.rows.length)
  })
})
