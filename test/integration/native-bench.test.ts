import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { NativeBenchReport } from '../../native-bench/report/render-report.ts'

const RUN = fileURLToPath(new URL('../../native-bench/run.js', import.meta.url))

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Kills the process of one bench as soon as it has started. */
function killing(name: string): Readonly<Record<string, string>> {
  const isMeant = `process.argv[1].endsWith('/${name}.js')`
  const code = `${isMeant}&&process.kill(process.pid,'SIGKILL')`
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` }
}

function run(words: readonly string[], environment = {}): Promise<Ended> {
  const options = { env: { ...process.env, ...environment } }
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [RUN, ...words], options, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? Number.NaN, stdout, stderr })
    })
  })
}

describe('the run of all benches', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
  after(() => rmSync(folder, { recursive: true }))

  it('measures a bench in a process of its own, and writes one report in two forms', async () => {
    const json = join(folder, 'a', 'report.json')
    const markdown = join(folder, 'b', 'report.md')
    const files = ['--json', json, '--markdown', markdown]
    const { code, stdout, stderr } = await run(['resolve-tenant', '--rounds', '1', ...files])
    assert.deepEqual([code, stdout], [0, ''], stderr)
    assert.match(stderr, /^\[1\/1\] resolve-tenant …$/m)
    assert.match(stderr, /^all three +\d+\.\d+ /m, 'the table, as progress')
    const report = JSON.parse(readFileSync(json, 'utf8')) as NativeBenchReport
    const [bench] = report.benches
    assert.ok(bench?.kind === 'measured' && report.benches.length === 1)
    assert.equal(bench.result.cases.length, 5)
    for (const { name, leastMicros, p50Micros, p99Micros, rounds } of bench.result.cases) {
      assert.ok(leastMicros > 0 && p50Micros >= leastMicros * 0.999, name)
      assert.ok(p99Micros >= p50Micros && rounds >= 1 && rounds <= 10, name)
    }
    assert.match(readFileSync(markdown, 'utf8'), /^## resolve-tenant$/m)
  })

  it('goes on behind a bench that is killed, names it in the report, and ends with 1', async () => {
    const json = join(folder, 'killed.json')
    const markdown = join(folder, 'killed.md')
    const words = ['decide', 'resolve-tenant', '--rounds', '1', '--json', json]
    const ended = await run([...words, '--markdown', markdown], killing('decide'))
    assert.equal(ended.code, 1, ended.stderr)
    assert.match(ended.stderr, /^Failed: decide$/m)
    const { benches } = JSON.parse(readFileSync(json, 'utf8')) as NativeBenchReport
    const [killed, other] = benches
    assert.deepEqual(killed, { kind: 'failed', name: 'decide', reason: 'ended by SIGKILL' })
    assert.deepEqual([other?.name, other?.kind], ['resolve-tenant', 'measured'])
    assert.match(readFileSync(markdown, 'utf8'), /^- `decide`: ended by SIGKILL$/m)
  })

  it('runs nothing when a name or an option is wrong, says so, and ends with 2', async () => {
    const calls = [
      { words: ['decide', 'no-such-bench'], told: /no-such-bench\. There are: .*decide/ },
      { words: ['--rounds', '0'], told: /--rounds takes a whole number above 0, not 0\./ },
      { words: ['--round', '1'], told: /--round/ },
    ]
    const ends = await Promise.all(calls.map(({ words }) => run(words)))
    for (const [index, { code, stderr }] of ends.entries()) {
      assert.equal(code, 2, stderr)
      assert.match(stderr, calls[index]?.told ?? /./)
      assert.doesNotMatch(stderr, /^\[1\//m)
    }
  })
})
