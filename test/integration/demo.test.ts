/** The demo as its users meet it: every line that it prints is pasted into a shell. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { copyProgram, notInstalled } from '../support/copied-program.ts'
import { reservePort } from '../support/reserved-port.ts'
import { SpawnedCommand } from '../support/spawned-command.ts'

const CASES_MIN = 9
const ADVICE = 'run it in the repository: npm install --include=dev && npm start'
const DEADLINE_MS = 10_000
const run = promisify(execFile)

interface Case {
  /** The comment above it. */
  readonly promise: string
  readonly line: string
  /** Of the promise, if it names one. */
  readonly status: string
}

/** Pairs every `curl` line with the status that the comment above promises, in order. */
function casesOf(lines: readonly string[]): Case[] {
  const cases: Case[] = []
  let promise = ''
  let statuses: string[] = []
  for (const line of lines) {
    if (line.startsWith('# ')) {
      promise = line
      statuses = [...line.matchAll(/\b[1-5]\d\d\b/g)].map(([status]) => status)
    }
    if (!line.startsWith('curl ')) continue
    cases.push({ promise, line, status: statuses.shift() ?? '200' })
  }
  return cases
}

describe('sallyport demo', () => {
  let demo: SpawnedCommand
  let cases: Case[] = []
  before(async () => {
    demo = new SpawnedCommand(['demo'], {
      SALLYPORT_DEMO_PORT: String(await reservePort()),
      SALLYPORT_DEMO_ADMIN_PORT: String(await reservePort()),
    })
    await demo.until('the whole tour is printed', () => {
      return demo.output.some((line) => /^curl .*\/metrics/.test(line))
    })
    cases = casesOf(demo.output)
  })
  after(() => demo.kill())

  async function paste(line: string): Promise<string> {
    const { stdout } = await run('sh', ['-c', line], { timeout: DEADLINE_MS })
    return stdout
  }

  function caseAbout(words: string): Case {
    const found = cases.find(({ promise }) => promise.includes(words))
    assert.ok(found !== undefined, `there is a line about: ${words}`)
    return found
  }

  it('prints a line for each case, and no error', () => {
    assert.deepEqual(demo.errors, [])
    assert.ok(cases.length >= CASES_MIN, demo.output.join('\n'))
    assert.deepEqual([...new Set(cases.map(({ status }) => status))].toSorted(), [
      '200',
      '401',
      '403',
    ])
  })

  it('keeps the promise above every line', async () => {
    for (const { promise, line, status } of cases) {
      const answer = await paste(line)
      if (line.startsWith('curl -i ')) {
        assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), `${promise}\n${line}`)
      } else assert.match(answer, /^sallyport_requests_total\{/m)
    }
  })

  it('shows the upstream who is calling, and not whom the client pretends to be', async () => {
    const first = await paste(caseAbout('RS256').line)
    assert.match(first, /"x-user-id": "alice"/)
    assert.doesNotMatch(first, /"authorization"/)
    const pretended = await paste(caseAbout('ES256').line)
    assert.match(pretended, /"x-user-id": "alice"/)
    assert.doesNotMatch(pretended, /mallory/)
  })

  it('challenges who comes without a credential', async () => {
    const answer = await paste(caseAbout('no credential').line)
    assert.match(answer, /^www-authenticate: Bearer realm=/im)
    assert.match(answer, /"error":"missing_token"/)
  })

  it('ends with 0 on Ctrl-C', async () => {
    demo.signal('SIGINT')
    assert.deepEqual(await demo.ended(), { exitCode: 0, signal: null })
    assert.deepEqual(demo.errors, [])
  })
})

describe('an installation for production', () => {
  it('has no demo, and says in one line what to install', async (test) => {
    const directory = mkdtempSync(join(tmpdir(), 'sallyport-production-'))
    test.after(() => rmSync(directory, { recursive: true }))
    const main = copyProgram(directory, { 'oidc-provider': notInstalled })
    const ports = { SALLYPORT_DEMO_PORT: String(await reservePort()) }
    const demo = new SpawnedCommand(['demo'], ports, main)
    const end = await demo.ended()
    assert.deepEqual(demo.output, [])
    assert.deepEqual(demo.errors, [
      `sallyport: the demo needs oidc-provider, which is not installed; ${ADVICE}`,
    ])
    assert.deepEqual(end, { exitCode: 2, signal: null })
  })
})
