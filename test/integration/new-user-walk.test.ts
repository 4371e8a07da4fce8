/**
 * The first day of a new user, with README.md and docs/ alone: what these tell to copy is taken out
 * of them and run, with other ports, against a provider and a gateway in processes of their own.
 * Before it comes demo.test.ts, after it new-user-rollout.test.ts.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { LiveSecond } from '../../src/admin/live-sample.ts'
import { alertHolds } from '../support/alert-rules.ts'
import { blockWith, commandWith, inlineWith } from '../support/document-blocks.ts'
import { eventually } from '../support/eventually.ts'
import { ForkedProvider } from '../support/forked-provider.ts'
import { type Answer, ask, upstreamField } from '../support/gateway-answer.ts'
import { bearer } from '../support/live-token.ts'
import { openRaw } from '../support/raw-http.ts'
import { reservePort } from '../support/reserved-port.ts'
import { SpawnedCommand } from '../support/spawned-command.ts'
import { SteadyLoad } from '../support/steady-load.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

const README = 'README.md'
const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))
/** In the documents: the ports when none are configured, and an id that stands for any. */
const USUAL = { origin: 'http://127.0.0.1:8080', admin: 'http://127.0.0.1:9090' }
const SOME_ID = '01a21a7b-2a22-…'
const DEADLINE_MS = 30_000
/** Keys become stale, and those that are withdrawn go, while a test waits for it. */
const SOON = { JWKS_CACHE_TTL: '3', JWKS_REFRESH_INTERVAL: '1', SALLYPORT_LISTENER_THREADS: '1' }

const directory = mkdtempSync(join(tmpdir(), 'sallyport-walk-'))
const file = join(directory, 'gateway.yaml')
let providerPort = 0
let provider: ForkedProvider
let upstream: UpstreamServer
let port = 0
let adminPort = 0
let gateway: SpawnedCommand

before(async () => {
  providerPort = await reservePort()
  port = await reservePort()
  adminPort = await reservePort()
  provider = await ForkedProvider.start(providerPort)
  upstream = await startEchoUpstream()
  installProgram()
  writeFileSync(file, configuration())
})

after(async () => {
  await gateway?.kill()
  await provider.kill()
  await upstream.close()
  rmSync(directory, { recursive: true })
})

/** `node dist/main.js` and `sallyport` are what was compiled with this test. */
function installProgram(): void {
  mkdirSync(join(directory, 'dist'))
  mkdirSync(join(directory, 'bin'))
  writeFileSync(join(directory, 'dist', 'main.js'), `await import(${JSON.stringify(MAIN)})\n`)
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }\n')
  const command = join(directory, 'bin', 'sallyport')
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`)
  chmodSync(command, 0o755)
}

/** The first real configuration of the README, with this provider, this service and these ports. */
function configuration(): string {
  const ports = `server: { host: 127.0.0.1, port: ${port}, drain: { delay: 0s } }\n`
  return replaced(blockWith(README, 'yaml', '# gateway.yaml'), [
    ['https://idp.example.com/', provider.issuer],
    ["'http://10.0.0.5:9500', 'http://10.0.0.6:9500'", `'${upstream.origin}'`],
  ]).concat(ports, `admin: { port: ${adminPort} }\n`)
}

/** @throws When one of the texts to replace is not there. */
function replaced(text: string, pairs: readonly (readonly [from: string, to: string])[]): string {
  return pairs.reduce((result, [from, to]) => {
    assert.ok(result.includes(from), `${from} is in: ${result}`)
    return result.replaceAll(from, to)
  }, text)
}

/** Pastes a command into a shell in the folder of the configuration. */
async function paste(command: string, environment: Readonly<Record<string, string>> = {}) {
  const line = command
    .replaceAll(USUAL.origin, `http://127.0.0.1:${port}`)
    .replaceAll(USUAL.admin, `http://127.0.0.1:${adminPort}`)
  const path = [join(directory, 'bin'), process.env['PATH'] ?? ''].join(delimiter)
  const { input = '', ...rest } = environment
  const shell = spawn('sh', ['-c', line], {
    cwd: directory,
    env: { ...process.env, PATH: path, ...rest },
    timeout: DEADLINE_MS,
  })
  let output = ''
  for (const stream of [shell.stdout, shell.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  }
  // A command that reads nothing may have ended before that is written.
  shell.stdin.on('error', () => {})
  shell.stdin.end(input)
  const [exitCode] = (await once(shell, 'close')) as [number | null]
  return { exitCode, output }
}

/** `sallyport serve` as the README writes it. */
function serve(environment: Readonly<Record<string, string>> = {}): SpawnedCommand {
  const [node, main, ...words] = commandWith(README, 'main.js serve').split(' ')
  assert.deepEqual([node, main], ['node', 'dist/main.js'])
  const absolute = words.map((word) => (word === 'gateway.yaml' ? file : word))
  return new SpawnedCommand(absolute, { ...SOON, ...environment })
}

function users(token: string): Promise<Answer> {
  return ask(port, '/users/1', bearer(token))
}

async function scrape(): Promise<string> {
  return (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text()
}

/** What an open live page has been sent last, when that fits. */
async function pageShows(description: string, fits: (state: LiveSecond['state']) => boolean) {
  const page = await openRaw({ port: adminPort })
  page.send('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const isThere = (text: string) => {
    const whole = text.slice(0, text.lastIndexOf('\n\n'))
    const [, last] = /.*^event: second\r?\ndata: ([^\n]+)/ms.exec(whole) ?? []
    return last !== undefined && fits((JSON.parse(last) as LiveSecond).state)
  }
  try {
    await page.waitFor(isThere, DEADLINE_MS)
  } catch (error) {
    throw new Error(`the page never shows: ${description}`, { cause: error })
  } finally {
    page.destroy()
  }
}

describe('A new user, with the README and the documents alone', () => {
  it('checks the first configuration against the provider and the service', async () => {
    const { exitCode, output } = await paste(commandWith(README, 'check --config'))
    assert.equal(exitCode, 0, output)
    assert.match(output, new RegExp(`usable +kid "${provider.keyId}"`))
    assert.match(output, /upstreams\.users: .*takes connections/)
  })

  it('asks the service with a token of the provider, and the service learns who asks', async () => {
    gateway = serve()
    await gateway.logged('ready')
    const token = await provider.token('read')
    const { output } = await paste(commandWith(README, 'curl -i'), { TOKEN: token })
    assert.match(output, /^HTTP\/1\.1 200 /m)
    assert.equal(upstreamField(await users(token), 'x-user-id'), 'alice')
  })

  it('is told why a token is refused: by the file, by the gateway, by the answer', async () => {
    const [good, bad] = [await provider.token('read'), await provider.token('write')]
    const offline = commandWith('docs/explain.md', 'explain --config')
    writeFileSync(join(directory, 'token.jwt'), good)
    assert.equal((await paste(offline)).exitCode, 0)
    writeFileSync(join(directory, 'token.jwt'), bad)
    const running = commandWith('docs/explain.md', '--token -')
    const answer = await users(bad)
    const id = answer.field('x-request-id') ?? ''
    const byId = replaced(commandWith(README, '--request-id'), [[SOME_ID, id]])
    const explained = await Promise.all([
      paste(offline),
      paste(running, { input: bad }),
      paste(byId),
      paste(replaced(commandWith('docs/explain.md', '--request-id'), [[SOME_ID, id]])),
    ])
    for (const { exitCode, output } of explained) {
      assert.equal(exitCode, 1, output)
      assert.match(output, /^refused: 403 insufficient_scope \(scope_missing\)\n +why: .+\n +do: /m)
    }
    assert.equal(answer.status, 403)
  })

  it('sees on the page and in the alerts that the provider is down, and back', async () => {
    const token = await provider.token('read')
    assert.equal((await users(token)).status, 200)
    const calm = await scrape()
    const alerts = ['SallyportKeyRefreshFailing', 'SallyportKeysStale']
    const raised = (now: string) => alerts.filter((name) => alertHolds(name, calm, now))
    assert.deepEqual(raised(calm), [])
    await provider.kill()
    await pageShows('stale keys of a provider that is unreachable', ({ ready, issuers }) => {
      const [issuer] = issuers
      return ready && issuer?.state === 'stale' && issuer.lastFailure === 'unreachable'
    })
    await eventually(
      'both alerts hold',
      async () => raised(await scrape()).length === alerts.length,
    )
    await gateway.logged('stale_keys_in_use')
    assert.equal((await users(token)).status, 200, 'what can be decided is decided')
    provider = await ForkedProvider.start(providerPort)
    await pageShows('fresh keys', ({ issuers: [issuer] }) => {
      return issuer?.state === 'fresh' && issuer.lastFailure === null
    })
    assert.equal(alertHolds('SallyportKeysStale', calm, await scrape()), false)
    assert.equal((await users(await provider.token('read'))).status, 200)
  })

  it('loads a changed route under load without losing a request', async () => {
    const token = await provider.token('write')
    assert.equal((await users(token)).status, 403)
    const load = new SteadyLoad({ origin: `http://127.0.0.1:${port}/public`, clients: 4 })
    writeFileSync(file, replaced(configuration(), [['all: [read]', 'any: [read, write]']]))
    await hangUp()
    await gateway.logged('configuration_reloaded')
    assert.equal((await users(token)).status, 200)
    const answered = load.answered
    await eventually('it goes on', () => load.answered > answered)
    await load.stop()
    assert.deepEqual([[...load.statuses.keys()], load.unanswered], [[200], 0])
  })

  it('is told what is wrong with a broken file, which changes nothing', async () => {
    const token = await provider.token('write')
    const calm = await scrape()
    assert.equal(alertHolds('SallyportConfigurationRefused', calm, calm), false)
    writeFileSync(file, `${configuration()}roots: [\n`)
    await hangUp()
    const { problems } = await gateway.logged('configuration_refused')
    const [problem = ''] = problems as readonly string[]
    const checked = await paste(inlineWith('docs/reload.md', 'check --config'))
    const posted = await paste(inlineWith('docs/reload.md', 'curl -X POST'))
    assert.equal(checked.exitCode, 2, checked.output)
    for (const { output } of [checked, posted]) assert.ok(output.includes(problem), output)
    assert.match(posted.output, /"outcome": "refused"/)
    assert.equal((await users(token)).status, 200)
    assert.equal(alertHolds('SallyportConfigurationRefused', calm, await scrape()), true)
    await pageShows('the problem', ({ revision }) => revision.problems.includes(problem))
    writeFileSync(file, configuration())
    assert.match((await paste(inlineWith('docs/reload.md', 'curl -X POST'))).output, /"reloaded"/)
    assert.equal(alertHolds('SallyportConfigurationRefused', calm, await scrape()), false)
  })

  it('rotates the key of the provider in the three steps of docs/operations.md', async () => {
    const old = await provider.token('read')
    const oldKeyId = provider.keyId
    assert.equal((await users(old)).status, 200)
    await provider.rotate({ keepOld: true })
    const fresh = await provider.token('read')
    assert.equal((await users(fresh)).status, 200, 'its key is fetched for it')
    assert.equal((await users(old)).status, 200, 'the old key is published still')
    const says = (event: string, keyId: string) => () =>
      gateway.output.some((line) => line.includes(`"${event}"`) && line.includes(keyId))
    await gateway.until('key_added', says('key_added', provider.keyId))
    await provider.rotate({ keepOld: false })
    await gateway.until('key_removed', says('key_removed', oldKeyId))
    assert.equal((await users(old)).status, 401, 'cached or not')
    assert.equal((await users(await provider.token('read'))).status, 200)
  })

  it('cannot start a second instance on the port, and ends the first with Ctrl-C', async (test) => {
    const second = serve()
    test.after(() => second.kill())
    assert.equal((await second.ended()).exitCode, 2)
    assert.match(second.errors.join(), /cannot listen on .*: the port is taken by another process/)
    gateway.signal('SIGINT')
    assert.deepEqual(await gateway.ended(), { exitCode: 0, signal: null })
    assert.deepEqual(gateway.errors, [])
  })
})

/** `kill -HUP <pid>` of docs/reload.md. */
async function hangUp(): Promise<void> {
  const command = inlineWith('docs/reload.md', 'kill -HUP')
  await paste(replaced(command, [['<pid>', String(gateway.processId)]]))
}
