/**
 * What comes after the first day: the secret of internal tokens is changed in the steps of
 * docs/identity.md, and instances are replaced behind HAProxy as examples/in-front sets it up.
 * loadtest/rolling has the long run, packed-program.test.ts the package in an empty folder.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { parse } from 'yaml'
import { readRepositoryFile } from '../architecture/repository.ts'
import { blockWith, commandWith } from '../support/document-blocks.ts'
import { eventually } from '../support/eventually.ts'
import { ask, upstreamField } from '../support/gateway-answer.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { metricSample } from '../support/metric-sample.ts'
import { missingProgram } from '../support/missing-program.ts'
import { reservePort } from '../support/reserved-port.ts'
import { SpawnedCommand } from '../support/spawned-command.ts'
import { SteadyLoad } from '../support/steady-load.ts'
import { sha256 } from '../support/stored-credentials.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

const IDENTITY = 'docs/identity.md'
const API_KEY = 'k'.repeat(40)

const directory = mkdtempSync(join(tmpdir(), 'sallyport-rollout-'))
let upstream: UpstreamServer
const started: SpawnedCommand[] = []

before(async () => {
  upstream = await startEchoUpstream()
})
after(async () => {
  for (const command of started) await command.kill()
  await upstream.close()
  rmSync(directory, { recursive: true })
})

interface Instance {
  readonly port: number
  readonly file: string
  command: SpawnedCommand
}

/** @param keys Settings of `identity.internalToken` about its keys. */
async function startInstance(name: string, keys: object): Promise<Instance> {
  const port = await reservePort()
  const file = join(directory, `${name}.yaml`)
  const { identity } = parse(blockWith(IDENTITY, 'yaml', 'strategy: internal-token')) as {
    readonly identity: { readonly internalToken: Readonly<Record<string, unknown>> }
  }
  const { keySecret: _keySecret, ...internalToken } = identity.internalToken
  const plan = {
    upstream: upstream.origin,
    server: { port, drain: { delay: '1s', timeout: '5s' } },
    apiKeys: { keys: [{ sha256: sha256(API_KEY), userId: 'machine' }] },
    identity: { ...identity, internalToken: { ...internalToken, ...keys } },
    routes: { '/api/*': { authenticate: ['apiKey'] }, '/*': { authenticate: 'none' } },
  }
  writeFileSync(file, gatewayText(plan))
  const instance = { port, file, command: run(file) }
  await instance.command.logged('ready')
  return instance
}

function run(file: string): SpawnedCommand {
  const command = new SpawnedCommand(['serve', '--config', file], {
    SALLYPORT_LISTENER_THREADS: '1',
  })
  started.push(command)
  return command
}

/** The columns of the block that has a step in each; the last says what goes from the second. */
function steps(): readonly object[] {
  const [header = '', ...lines] = blockWith(IDENTITY, 'yaml', '# 1. ').split('\n')
  const [, second = 0, third = 0] = [1, 2, 3].map((step) => header.indexOf(`# ${step}. `))
  assert.match(header.slice(third), /^# 3\. Remove previousSecrets\.$/)
  const column = (start: number, end: number) =>
    parse(lines.map((line) => line.slice(start, end)).join('\n')) as { previousSecrets: unknown }
  const { previousSecrets: _previousSecrets, ...last } = column(second, third)
  return [column(0, second), column(second, third), last]
}

async function mintedAndPublished({ port }: Instance) {
  const answer = await ask(port, '/api/x', { 'x-api-key': API_KEY })
  const token = (upstreamField(answer, 'authorization') ?? '').replace(/^Bearer /, '')
  const published = await ask(port, '/.well-known/jwks.json')
  return { token, keySet: createLocalJWKSet(JSON.parse(published.text) as JSONWebKeySet) }
}

/** The configuration of the document, on these ports, and quicker to notice. */
function haproxyText(port: number, instances: readonly Instance[]): string {
  const [one, two] = instances
  const pairs = [
    ['bind :80\n', `bind 127.0.0.1:${port}\n`],
    ['server one 10.0.0.11:8080', `server one 127.0.0.1:${one?.port}`],
    ['server two 10.0.0.12:8080', `server two 127.0.0.1:${two?.port}`],
    ['inter 2s', 'inter 200ms'],
  ] as const
  return pairs.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), from)
    return text.replace(from, to)
  }, readRepositoryFile('examples/in-front/haproxy.cfg').text)
}

describe('An operator, with the documents alone', () => {
  let instances: readonly Instance[] = []

  it('changes the secret of internal tokens without a token that is refused', async () => {
    const command = commandWith(IDENTITY, 'openssl rand')
    for (const name of ['old.secret', 'new.secret']) {
      const line = command.replace('internal-token.secret', name)
      assert.ok(line.endsWith(`> ${name}`))
      execFileSync('sh', ['-c', line], { cwd: directory })
    }
    const stages = [{ keySecretFile: 'old.secret' }, ...steps()]
    const all = await Promise.all(stages.map((keys, at) => startInstance(`stage-${at}`, keys)))
    instances = all.slice(-2)
    const seen = await Promise.all(all.map(mintedAndPublished))
    for (const [at, { token }] of seen.entries()) {
      // Side by side while a step is rolled out: an upstream has the keys of either.
      for (const { keySet } of seen.slice(Math.max(0, at - 1), at + 2)) {
        const { payload } = await jwtVerify(token, keySet, { issuer: 'gateway.internal' })
        assert.equal(payload.sub, 'machine')
      }
    }
    const [first, , , last] = seen
    assert.ok(first !== undefined && last !== undefined)
    await assert.rejects(
      jwtVerify(first.token, last.keySet),
      'the old secret is of no use any more',
    )
    for (const { command: unused } of all.slice(0, 2)) await unused.kill()
  })

  it('replaces both instances behind HAProxy without losing a request', {
    skip: missingProgram('haproxy', ['-v']),
  }, async (test) => {
    const port = await reservePort()
    const file = join(directory, 'haproxy.cfg')
    writeFileSync(file, haproxyText(port, instances))
    const haproxy = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' })
    const hasEnded = once(haproxy, 'exit')
    test.after(async () => {
      haproxy.kill()
      await hasEnded
    })
    const answers = async () => {
      const answer = await ask(port, '/x').catch(() => null)
      return answer?.status === 200
    }
    await eventually('HAProxy has an instance', answers)
    const load = new SteadyLoad({ origin: `http://127.0.0.1:${port}`, clients: 4 })
    for (const instance of instances) {
      instance.command.signal('SIGTERM')
      assert.deepEqual(await instance.command.ended(), { exitCode: 0, signal: null })
      instance.command = run(instance.file)
      const { port: adminPort } = await instance.command.logged('admin_listening')
      await eventually('it has a share again before the other one goes', async () => {
        const admin = `http://127.0.0.1:${Number(adminPort)}`
        return (await metricSample(admin, 'sallyport_requests_total', { route: 'at' })) > 0
      })
    }
    const { answered } = load
    await eventually('it goes on', () => load.answered > answered)
    await load.stop()
    assert.deepEqual([[...load.statuses.keys()], load.unanswered], [[200], 0])
    assert.ok(load.answered > 100, `only ${load.answered} were answered`)
  })
})
